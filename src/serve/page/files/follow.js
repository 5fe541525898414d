// A crawl's figures and curves as they change, and the page anew at its end.

/** Bytes as the page says them. */
function bytes(count) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = count < 1000 ? 0 : Math.min(Math.floor(Math.log10(count) / 3), units.length - 1);
  return `${(count / 1000 ** power).toFixed(power && 1)} ${units[power]}`;
}

/** A line through all that was counted so far, from the crawl's beginning to now. */
function draw(line, seconds, counts) {
  const most = Math.max(...counts, 1);
  const end = Math.max(seconds.at(-1), 1e-3);
  const points = counts.map((count, i) => `${((300 * seconds[i]) / end).toFixed(1)},${(78 - (76 * count) / most).toFixed(1)}`);
  line.setAttribute("points", points.join(" "));
}

export default function follow(section) {
  if (!section.dataset.follow) return;
  const seconds = [];
  const lines = [...section.querySelectorAll("[data-curve]")].map((line) => [line, []]);
  const source = new EventSource(section.dataset.follow);
  source.addEventListener("progress", (event) => {
    const progress = JSON.parse(event.data);
    const summary = progress.summary;
    if (["done", "stopped", "failed"].includes(progress.state)) {
      source.close();
      location.reload();
      return;
    }
    const state = section.querySelector("[data-state]");
    if (state.textContent !== progress.state) state.textContent = progress.state;
    section.querySelectorAll("[data-figure]").forEach((figure) => {
      const of = figure.dataset.figure;
      const count = summary[of] ?? progress[of];
      figure.textContent = of === "bytes" ? bytes(count) : count.toLocaleString("en");
    });
    seconds.push(summary.elapsed_s);
    for (const [line, counts] of lines) {
      counts.push(summary[line.dataset.curve]);
      // Half of the points are enough where there are many.
      if (seconds.length > 600) counts.splice(0, counts.length, ...counts.filter((_, i) => i % 2));
    }
    if (seconds.length > 600) seconds.splice(0, seconds.length, ...seconds.filter((_, i) => i % 2));
    lines.forEach(([line, counts]) => draw(line, seconds, counts));
  });
}
