// Groups of near-copies by keys: j and k go from group to group, 1 to 9 choose what is kept, n says that the
// one that is chosen, or focused, is no duplicate.

export default function choose(form) {
  const groups = [...form.querySelectorAll(".group")];
  let at = -1;
  form.addEventListener("focusin", (event) => {
    const found = groups.indexOf(event.target.closest(".group"));
    if (found >= 0) at = found;
  });
  form.addEventListener("change", (event) => {
    if (event.target.name === "prefer") form.requestSubmit();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { j: 1, k: -1 }[event.key];
    if (step) {
      at = Math.min(Math.max(at + step, 0), groups.length - 1);
      groups[at].focus();
      groups[at].scrollIntoView({ block: "nearest" });
    } else if (at >= 0 && /^[1-9]$/.test(event.key)) {
      const choice = groups[at].querySelectorAll("input[type=radio]")[event.key - 1];
      if (choice) choice.checked = true;
    } else if (at >= 0 && event.key === "n") {
      const member = event.target.closest(".member") ?? groups[at].querySelector(".member:has(:checked)");
      member?.querySelector("button")?.click();
    } else {
      return;
    }
    event.preventDefault();
  });
}
