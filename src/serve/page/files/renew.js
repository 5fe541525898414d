// What a page tells of work under way, renewed until that is done.

/** Milliseconds from an answer to the next question, or so many times what the answer took. */
const EVERY = 2000;
const REST = 10;

/** Takes the parts of a page that was asked for anew; what is open stays open, and what has the focus keeps it. */
function take(place, fresh) {
  const open = [...place.querySelectorAll("details[open]")].map((part) => part.id);
  const focus = place.contains(document.activeElement) && document.activeElement.closest("[id]")?.id;
  const parts = [...fresh.querySelectorAll("[data-part]")];
  const old = parts.map((part) => place.querySelector(`[data-part="${part.dataset.part}"]`));
  if (old.includes(null)) place.replaceChildren(...fresh.childNodes);
  else parts.forEach((part, i) => old[i].replaceWith(part));
  const named = (id) => [...place.querySelectorAll("details")].find((part) => part.id === id);
  for (const id of open) named(id)?.setAttribute("open", "");
  if (focus && !place.contains(document.activeElement)) named(focus)?.querySelector("summary").focus();
}

export default function renew(place) {
  const wait = (took) => setTimeout(look, Math.max(EVERY, REST * took));
  async function look() {
    if (document.hidden) return wait(0);
    const began = performance.now();
    const answer = await fetch(location.href, { headers: { accept: "text/html" } }).catch(() => null);
    // It may be busy, or be back in a moment.
    if (!answer?.ok) return wait(EVERY);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(place.id);
    if (!fresh) return;
    const goes = "renew" in fresh.dataset;
    take(place, fresh);
    if (goes) wait(performance.now() - began);
  }
  wait(0);
}
