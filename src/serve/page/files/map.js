// The map of all pictures: points from afar, thumbnails where there is room; moved, zoomed, and cut with a lasso.

/** Side of a thumbnail, and most of them at once. */
const SIDE = 56;
const MOST = 160;
const EVERY = 1000;

/** What the server sends: version, progress, count; places, numbers, ids. */
function read(buffer) {
  const head = new DataView(buffer);
  const count = head.getUint32(8, true);
  return {
    version: head.getUint32(0, true),
    progress: head.getFloat32(4, true),
    count,
    at: new Float32Array(buffer, 12, 2 * count),
    numbers: new Uint32Array(buffer, 12 + 8 * count, count),
    ids: new Uint8Array(buffer, 12 + 12 * count, 32 * count),
  };
}

const idOf = (map, i) => [...map.ids.subarray(32 * i, 32 * i + 32)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const thumbnail = (map, i) => `/api/v1/pictures/${idOf(map, i)}/thumbnail`;

/** Whether a point is in a polygon: an odd number of its sides is to the right. */
function inside(x, y, polygon) {
  let odd = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [xi, yi] = polygon[i];
    const [xj, yj] = polygon[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) odd = !odd;
  }
  return odd;
}

/** A colour of the style sheet as one number. */
function pixel(colour) {
  const [red, green, blue] = colour.match(/[\d.]+/g).map(Number);
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** Thumbnails that were asked for; the latest of them. */
class Thumbnails {
  constructor(come) {
    this.come = come;
    this.known = new Map();
  }

  of(map, i) {
    const number = map.numbers[i];
    let image = this.known.get(number);
    if (!image) {
      image = new Image();
      image.onload = this.come;
      image.src = thumbnail(map, i);
    }
    this.known.delete(number);
    this.known.set(number, image);
    if (this.known.size > 4 * MOST) this.known.delete(this.known.keys().next().value);
    return image.complete && image.naturalWidth > 0 ? image : null;
  }
}

export default function showMap(section) {
  const canvas = section.querySelector("canvas");
  const frame = section.querySelector(".map");
  const status = section.querySelector("[data-status]");
  const form = section.querySelector("[data-selected]");
  const lassoButton = section.querySelector("[data-lasso]");
  const pen = canvas.getContext("2d");
  section.hidden = false;

  let map = null;
  let view = null;
  let dots = null;
  const [points, selection] = ["color", "outlineColor"];
  // Colours as the style sheet has them for this scheme.
  const colour = (of) => getComputedStyle(frame)[of];
  let chosen = new Set();
  let polygon = null;
  let isOwn = false;
  let asked = false;
  const draw = () => {
    if (!asked) requestAnimationFrame(paint);
    asked = true;
  };
  const thumbnails = new Thumbnails(draw);

  /** The view in which all points are seen. */
  const whole = () => {
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < map.count; i++) {
      left = Math.min(left, map.at[2 * i]);
      right = Math.max(right, map.at[2 * i]);
      top = Math.min(top, map.at[2 * i + 1]);
      bottom = Math.max(bottom, map.at[2 * i + 1]);
    }
    const [width, height] = [canvas.clientWidth - 2 * SIDE, canvas.clientHeight - 2 * SIDE];
    // What is wide is drawn wide: directions mean nothing, distances little.
    const stretch = Math.max(width, 1) / Math.max(height, 1);
    const scale = Math.min(width / stretch / Math.max(right - left, 1e-3), height / Math.max(bottom - top, 1e-3));
    return { x: (left + right) / 2, y: (top + bottom) / 2, scale, stretch };
  };
  const toScreen = (i) => [
    (map.at[2 * i] - view.x) * view.scale * view.stretch + canvas.clientWidth / 2,
    (map.at[2 * i + 1] - view.y) * view.scale + canvas.clientHeight / 2,
  ];

  function paint() {
    asked = false;
    if (!map || !view) return;
    const [ratio, width, height] = [devicePixelRatio, canvas.clientWidth, canvas.clientHeight];
    const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (dots?.width !== across || dots.height !== down) {
      [canvas.width, canvas.height] = [across, down];
      dots = pen.createImageData(across, down);
    }
    const pixels = new Uint32Array(dots.data.buffer);
    pixels.fill(0);
    const [plain, marked] = [points, selection].map((of) => pixel(colour(of)));

    // Points go straight into pixels, which stays smooth with all that a map holds. One point of each square
    // gets a thumbnail, where points crowd first; squares lie fast on the map, so that nothing flickers.
    const [sx, sy] = [view.scale * view.stretch, view.scale];
    const [left, top] = [view.x * sx - width / 2, view.y * sy - height / 2];
    const [column, row] = [Math.floor(left / SIDE), Math.floor(top / SIDE)];
    const columns = Math.ceil(width / SIDE) + 2;
    const squares = columns * (Math.ceil(height / SIDE) + 2);
    const [first, counts] = [new Int32Array(squares).fill(-1), new Int32Array(squares)];
    const dot = Math.max(Math.round(2 * ratio), 1);
    for (let i = 0; i < map.count; i++) {
      const [wx, wy] = [map.at[2 * i] * sx, map.at[2 * i + 1] * sy];
      const px = Math.round((wx - left) * ratio);
      const py = Math.round((wy - top) * ratio);
      if (px < 0 || py < 0 || px + dot > across || py + dot > down) continue;
      const square = (Math.floor(wy / SIDE) - row) * columns + Math.floor(wx / SIDE) - column;
      if (first[square] < 0) first[square] = i;
      counts[square] += 1;
      const ink = chosen.has(i) ? marked : plain;
      for (let y = py; y < py + dot; y++) pixels.fill(ink, y * across + px, y * across + px + dot);
    }
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.putImageData(dots, 0, 0);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const crowded = [...first.keys()].filter((square) => counts[square] > 0);
    crowded.sort((a, b) => counts[b] - counts[a]);
    for (const square of crowded.slice(0, MOST)) {
      const i = first[square];
      const image = thumbnails.of(map, i);
      if (!image) continue;
      const [x, y] = toScreen(i);
      const scale = (SIDE - 12) / Math.max(image.naturalWidth, image.naturalHeight);
      const [w, h] = [image.naturalWidth * scale, image.naturalHeight * scale];
      pen.drawImage(image, x - w / 2, y - h / 2, w, h);
      if (chosen.has(i)) mark(x - w / 2, y - h / 2, w, h);
    }
    if (polygon) {
      pen.strokeStyle = colour(selection);
      pen.lineWidth = 2;
      pen.beginPath();
      polygon.forEach(([x, y]) => pen.lineTo(x, y));
      pen.closePath();
      pen.stroke();
    }
  }

  function mark(x, y, w, h) {
    pen.strokeStyle = colour(selection);
    pen.lineWidth = 3;
    pen.strokeRect(x, y, w, h);
  }

  const zoom = (by, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) => {
    if (!view) return;
    const [dx, dy] = [x - canvas.clientWidth / 2, y - canvas.clientHeight / 2];
    const scale = view.scale * by;
    isOwn = true;
    const shift = 1 / view.scale - 1 / scale;
    view = { ...view, x: view.x + (dx * shift) / view.stretch, y: view.y + dy * shift, scale };
    draw();
  };
  const move = (dx, dy) => {
    if (!view) return;
    isOwn = true;
    view = { ...view, x: view.x - dx / (view.scale * view.stretch), y: view.y - dy / view.scale };
    draw();
  };

  /** What is in the lasso can be looked for and listed. */
  function choose(members) {
    chosen = new Set(members);
    form.hidden = chosen.size === 0;
    section.querySelector("[data-count]").textContent = chosen.size.toLocaleString("en");
    form.elements.pictures.value = members.map((i) => map.numbers[i]).join(",");
    const each = (most) => members.filter((_, at) => at % Math.ceil(members.length / most) === 0);
    section.querySelector("[data-like]").href = `/look?${each(8).map((i) => `like=${idOf(map, i)}`).join("&")}`;
    section.querySelector("[data-sample]").replaceChildren(...each(24).map((i) => {
      const [item, link, image] = ["li", "a", "img"].map((name) => document.createElement(name));
      image.src = thumbnail(map, i);
      image.alt = "Pictures like this one";
      link.href = `/look?like=${idOf(map, i)}`;
      link.append(image);
      item.append(link);
      return item;
    }));
    status.textContent = chosen.size > 0 ? `${chosen.size.toLocaleString("en")} selected` : "";
    draw();
  }

  /** The picture at a place of the screen. */
  const pictureAt = (x, y) => {
    let [best, far] = [-1, (SIDE / 2) ** 2];
    for (let i = 0; i < map.count; i++) {
      const [px, py] = toScreen(i);
      const distance = (px - x) ** 2 + (py - y) ** 2;
      if (distance < far) [best, far] = [i, distance];
    }
    return best;
  };

  const place = (event) => {
    const at = canvas.getBoundingClientRect();
    return [event.clientX - at.left, event.clientY - at.top];
  };
  let last = null;
  let moved = 0;
  canvas.addEventListener("pointerdown", (event) => {
    if (!view) return;
    canvas.setPointerCapture(event.pointerId);
    last = place(event);
    moved = 0;
    if (lassoButton.getAttribute("aria-pressed") === "true" || event.shiftKey) polygon = [last];
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    const [x, y] = place(event);
    moved += Math.abs(x - last[0]) + Math.abs(y - last[1]);
    if (polygon) {
      polygon.push([x, y]);
      draw();
    } else move(x - last[0], y - last[1]);
    last = [x, y];
  });
  canvas.addEventListener("pointerup", (event) => {
    const [x, y] = place(event);
    last = null;
    if (polygon) {
      const cut = polygon;
      polygon = null;
      choose([...Array(map.count).keys()].filter((i) => inside(...toScreen(i), cut)));
    } else if (moved < 4 && map) {
      const i = pictureAt(x, y);
      if (i >= 0) location.href = `/look?like=${idOf(map, i)}`;
    }
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), ...place(event));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const ways = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
    if (ways[event.key]) move(...ways[event.key]);
    else if (event.key === "+" || event.key === "=") zoom(1.5);
    else if (event.key === "-") zoom(1 / 1.5);
    else return;
    event.preventDefault();
  });
  section.querySelectorAll("[data-zoom]").forEach((button) =>
    button.addEventListener("click", () => zoom(Number(button.dataset.zoom))));
  section.querySelector("[data-whole]").addEventListener("click", () => {
    if (map) view = whole();
    isOwn = false;
    draw();
  });
  lassoButton.addEventListener("click", () => {
    const on = lassoButton.getAttribute("aria-pressed") !== "true";
    lassoButton.setAttribute("aria-pressed", String(on));
    frame.classList.toggle("lassoing", on);
  });
  section.querySelector("[data-clear]").addEventListener("click", () => choose([]));
  new ResizeObserver(draw).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

  /** Asks for what has changed, while the page is seen. */
  async function look() {
    if (!document.hidden) {
      const answer = await fetch(`${section.dataset.map}?seen=${map?.version ?? 0}`).catch(() => null);
      if (answer?.status === 200) {
        const before = map;
        map = read(await answer.arrayBuffer());
        // What is on the map may have other places in the list now.
        if (before && chosen.size > 0) {
          const numbers = new Set([...chosen].map((i) => before.numbers[i]));
          chosen = new Set([...map.numbers.keys()].filter((i) => numbers.has(map.numbers[i])));
        }
        if (!isOwn) view = map.count > 0 ? whole() : null;
        if (chosen.size === 0) {
          status.textContent = map.progress < 1 ? `Being made: ${Math.round(100 * map.progress)} %` : `${map.count.toLocaleString("en")} pictures`;
        }
        draw();
      }
    }
    setTimeout(look, EVERY);
  }
  look();
}
