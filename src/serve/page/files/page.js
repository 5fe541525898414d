// What makes the pages quicker to use. Without it they do the same. Each part is a module of its own, which
// is loaded where a page has use for it.

const parts = ["drop", "grid", "refine", "pair", "box", "verdicts", "follow", "groups", "map", "reload", "renew"];

for (const part of parts) {
  const places = document.querySelectorAll(`[data-${part}]`);
  if (places.length > 0) {
    import(`/files/${part}.js`).then((module) => places.forEach((place) => module.default(place)));
  }
}

// Whoever waits is told so. A page that comes back from the browser's memory waits no more.
document.addEventListener("submit", (event) => {
  if (!event.defaultPrevented) document.body.classList.add("busy");
});
addEventListener("pageshow", () => document.body.classList.remove("busy"));
