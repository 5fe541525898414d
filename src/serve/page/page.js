// What makes the pages quicker to use. Without it they do the same.

/** Drops and pastes of pictures go into the form's own field, which is then sent. */
function acceptDrops(form) {
  const field = form.querySelector('input[type="file"]');
  const take = (files) => {
    const pictures = [...files].filter((file) => file.type.startsWith("image/"));
    if (pictures.length === 0) return false;
    const list = new DataTransfer();
    pictures.forEach((picture) => list.items.add(picture));
    field.files = list.files;
    form.requestSubmit();
    return true;
  };
  const mark = (on) => document.body.classList.toggle("dropping", on);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(true);
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) mark(false);
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    take(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    if (take(event.clipboardData.files)) event.preventDefault();
  });
}

/** The grid goes on when its end comes into sight. */
function growGrid(grid) {
  const watch = new IntersectionObserver(async (entries) => {
    const link = entries.find((entry) => entry.isIntersecting)?.target;
    if (!link) return;
    watch.unobserve(link);
    const answer = await fetch(link.href, { headers: { accept: "text/html" } });
    // The link stays, and says what is wrong when it is followed.
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    grid.append(...page.querySelectorAll("[data-grid] > *"));
    const next = page.querySelector("[data-more]");
    if (next) {
      link.href = next.getAttribute("href");
      watch.observe(link);
    } else {
      link.parentElement.remove();
    }
  }, { rootMargin: "600px" });
  const more = document.querySelector("[data-more]");
  if (more) watch.observe(more);
}

/** A choice of mode or threshold counts at once. */
function applyAtOnce(form) {
  form.addEventListener("change", (event) => {
    if (event.target.type !== "text") form.requestSubmit();
  });
}

/** Two pictures, laid over each other and swapped. */
function comparePair(pair) {
  const controls = document.createElement("p");
  const button = (words, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = words;
    made.addEventListener("click", () => act(made));
    controls.append(made, " ");
  };
  const slider = document.createElement("input");
  Object.assign(slider, { type: "range", min: 0, max: 1, step: 0.01, value: 0.5, hidden: true });
  slider.setAttribute("aria-label", "How much of the second picture is seen");
  slider.addEventListener("input", () => pair.style.setProperty("--over", slider.value));
  button("Swap", () => pair.append(pair.firstElementChild));
  button("Lay over each other", (made) => {
    const over = pair.classList.toggle("overlay");
    made.setAttribute("aria-pressed", String(over));
    slider.hidden = !over;
  });
  controls.append(slider);
  pair.after(controls);
}

/** A crawl's figures as they change, and the page anew at its end. */
function followCrawl(section) {
  if (!section.dataset.follow) return;
  const counts = [];
  const source = new EventSource(section.dataset.follow);
  source.addEventListener("progress", (event) => {
    const progress = JSON.parse(event.data);
    if (["done", "stopped", "failed"].includes(progress.state)) {
      source.close();
      location.reload();
      return;
    }
    section.querySelector("[data-state]").textContent = progress.state;
    section.querySelectorAll("[data-figure]").forEach((figure) => {
      figure.textContent = progress.summary[figure.dataset.figure].toLocaleString();
    });
    const curve = section.querySelector("[data-curve]");
    counts.push(progress.summary[curve.dataset.curve]);
    const most = Math.max(...counts, 1);
    const step = 300 / Math.max(counts.length - 1, 1);
    curve.setAttribute("points", counts.map((count, i) => `${i * step},${60 - (58 * count) / most}`).join(" "));
  });
}

document.querySelectorAll("[data-follow]").forEach(followCrawl);
document.querySelectorAll("[data-drop]").forEach(acceptDrops);
document.querySelectorAll("[data-grid]").forEach(growGrid);
document.querySelectorAll("[data-refine]").forEach(applyAtOnce);
document.querySelectorAll("[data-pair]").forEach(comparePair);
