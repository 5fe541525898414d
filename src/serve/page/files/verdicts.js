// Results are accepted with a, rejected with r, and what was said last is undone with u; without a new page.

export default function decide(grid) {
  const last = [];

  /** Shows what a form's result is said to be. */
  function show(form, say) {
    const card = form.closest(".card");
    card.classList.toggle("is-right", say === "same");
    card.classList.toggle("is-wrong", say === "different");
    form.querySelectorAll("button").forEach((button) => {
      const pressed = button.dataset.say === say;
      button.setAttribute("aria-pressed", String(pressed));
      button.value = pressed ? "nothing" : button.dataset.say;
    });
  }

  async function say(form, what) {
    const data = new FormData(form);
    data.set("say", what);
    // Where it would lead to is this page.
    const answer = await fetch(form.action, { method: "POST", body: data, redirect: "manual" }).catch(() => null);
    if (answer?.type !== "opaqueredirect") what = "failed";
    show(form, what);
    form.querySelector("[role=status]").textContent = what === "failed" ? "This was not kept." : "";
  }

  const said = (form) => form.querySelector("[aria-pressed=true]")?.dataset.say ?? "nothing";

  grid.addEventListener("submit", (event) => {
    if (!event.submitter?.dataset.say) return;
    event.preventDefault();
    last.push([event.target, said(event.target)]);
    say(event.target, event.submitter.value);
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
    if (event.key === "u" && last.length > 0) {
      say(...last.pop());
      return;
    }
    const wanted = { a: "same", r: "different" }[event.key];
    const card = event.target.closest(".card") ?? grid.querySelector(".card:not(.is-right):not(.is-wrong)");
    const button = wanted && card?.querySelector(`[data-say=${wanted}]`);
    if (!button) return;
    button.click();
    card.nextElementSibling?.querySelector("a.picture").focus();
  });
}
