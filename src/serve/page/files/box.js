// A part of the picture that was asked for, drawn on it; the results are then like that part.

/** The shares of a picture between two corners. */
function between(a, b) {
  const clamp = (share) => Math.min(Math.max(share, 0), 1);
  const [left, right] = [clamp(Math.min(a.x, b.x)), clamp(Math.max(a.x, b.x))];
  const [top, bottom] = [clamp(Math.min(a.y, b.y)), clamp(Math.max(a.y, b.y))];
  return { x: left, y: top, width: right - left, height: bottom - top };
}

export default function drawBox(frame) {
  const form = document.getElementById(frame.dataset.box);
  const field = form.elements.box;
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  shape.setAttribute("viewBox", "0 0 100 100");
  shape.setAttribute("preserveAspectRatio", "none");
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  shape.append(rect);
  const show = (box) => {
    frame.querySelector("svg")?.remove();
    frame.append(shape);
    for (const [name, share] of Object.entries(box)) rect.setAttribute(name, share * 100);
  };
  const at = (event) => {
    const place = frame.getBoundingClientRect();
    return { x: (event.clientX - place.left) / place.width, y: (event.clientY - place.top) / place.height };
  };
  let start = null;
  frame.addEventListener("dragstart", (event) => event.preventDefault());
  frame.addEventListener("pointerdown", (event) => {
    start = at(event);
    frame.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  frame.addEventListener("pointermove", (event) => start && show(between(start, at(event))));
  frame.addEventListener("pointerup", (event) => {
    if (!start) return;
    const box = between(start, at(event));
    start = null;
    // A click is no box.
    if (box.width < 0.05 || box.height < 0.05) return;
    field.value = ["x", "y", "width", "height"].map((name) => box[name].toFixed(3)).join(",");
    form.requestSubmit();
  });
}
