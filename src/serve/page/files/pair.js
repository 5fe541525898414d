// Two pictures: side by side, behind a slider, over each other; and swapped.

const WAYS = [["", "Side by side"], ["slide", "Slider"], ["over", "Overlay"]];

export default function compare(pair) {
  const controls = document.createElement("div");
  controls.className = "row compare";
  controls.setAttribute("role", "group");
  controls.setAttribute("aria-label", "How the two are laid");
  const button = (words, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = words;
    made.addEventListener("click", () => act(made));
    controls.append(made);
    return made;
  };

  const share = document.createElement("input");
  Object.assign(share, { type: "range", min: 0, max: 1, step: 0.01, value: 0.5, hidden: true });
  const setShare = (value) => {
    share.value = value;
    pair.style.setProperty("--share", share.value);
  };
  share.addEventListener("input", () => setShare(share.value));

  const choose = (way) => {
    pair.classList.remove("slide", "over");
    pair.classList.toggle("stacked", way !== "");
    if (way) pair.classList.add(way);
    share.hidden = way === "";
    share.setAttribute("aria-label", way === "slide" ? "Where the second picture begins" : "How much of the second picture is seen");
    const first = pair.querySelector("img");
    if (first.naturalWidth) pair.style.setProperty("--shape", first.naturalWidth / first.naturalHeight);
    buttons.forEach(([of, made]) => made.setAttribute("aria-pressed", String(of === way)));
  };
  const buttons = WAYS.map(([way, words]) => [way, button(words, () => choose(way))]);
  button("Swap", () => pair.append(pair.firstElementChild));
  controls.append(share);
  pair.before(controls);

  // The slider can be drawn across the picture itself.
  pair.addEventListener("pointermove", (event) => {
    if (!pair.classList.contains("slide")) return;
    const frame = pair.querySelector(".frame").getBoundingClientRect();
    setShare((event.clientX - frame.left) / frame.width);
  });
  setShare(0.5);
  choose("");
}
