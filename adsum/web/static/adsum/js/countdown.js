// A ring that empties and the seconds beside it. Time is measured here from the moment the server said what is left, so
// neither clock has to be right.

/** Milliseconds since `mark`, by whichever of the two clocks ran on: one stops in sleep, the other can be set back. */
export function since(mark) {
  return Math.max(performance.now() - mark.ticks, Date.now() - mark.wall);
}

export function now() {
  return { ticks: performance.now(), wall: Date.now() };
}

/** Draw how much of `period` is left: `ring` is the SVG, `seconds` the element with the number. */
export function draw({ ring, seconds, left, period }) {
  const share = Math.max(0, Math.min(1, left / period));
  ring?.querySelector(".ring-value").setAttribute("stroke-dashoffset", String(100 - 100 * share));
  const text = String(Math.max(0, Math.ceil(left / 1000)));
  if (seconds && seconds.textContent !== text) seconds.textContent = text;
}

// A page may count down by itself: <p data-countdown="90000" data-period="90000"> with a ring and [data-seconds] inside.
for (const element of document.querySelectorAll("[data-countdown]")) {
  const start = now();
  const total = Number(element.dataset.countdown);
  const period = Number(element.dataset.period || total);
  const parts = { ring: element.querySelector(".ring"), seconds: element.querySelector("[data-seconds]"), period };
  const timer = setInterval(() => {
    const left = total - since(start);
    draw({ ...parts, left });
    if (left > 0) return;
    clearInterval(timer);
    element.dispatchEvent(new CustomEvent("countdown-over", { bubbles: true }));
  }, 200);
}
