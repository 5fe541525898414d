// The grid goes on when its end comes into sight, and arrow keys lead through it.

function grow(grid) {
  const more = document.querySelector("[data-more]");
  if (!more) return;
  const words = more.textContent;
  const watch = new IntersectionObserver(async (entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watch.unobserve(more);
    more.textContent = "Loading ...";
    const answer = await fetch(more.href, { headers: { accept: "text/html" } }).catch(() => null);
    more.textContent = words;
    // The link stays, and says what is wrong when it is followed.
    if (!answer?.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const cards = [...page.querySelectorAll("[data-grid] > *")].map((card) => document.adoptNode(card));
    grid.append(...cards);
    const next = page.querySelector("[data-more]");
    if (next) {
      more.href = next.getAttribute("href");
      watch.observe(more);
    } else {
      more.remove();
    }
  }, { rootMargin: "600px" });
  watch.observe(more);
}

/** Where an arrow leads from a card: beside it, or to the nearest of the row above or below. */
function step(cards, from, key) {
  const at = cards.indexOf(from);
  if (key === "ArrowRight") return cards[at + 1];
  if (key === "ArrowLeft") return cards[at - 1];
  const columns = cards.filter((card) => card.offsetTop === cards[0].offsetTop).length;
  return cards[key === "ArrowDown" ? at + columns : at - columns];
}

export default function lead(grid) {
  grow(grid);
  grid.addEventListener("keydown", (event) => {
    const card = event.target.closest("[data-grid] > *");
    if (!event.key.startsWith("Arrow") || !card || event.target.matches("input, select")) return;
    const next = step([...grid.children], card, event.key)?.querySelector("a.picture");
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}
