// The projector: shows the code the server pushes, and greys out as soon as that code can no longer be alive.
import { stayAwake } from "./awake.js";
import { draw, now, since } from "./countdown.js";
import { listen } from "./live.js";

const screen = document.querySelector("[data-display]");
const part = (name) => screen.querySelector(`[data-${name}]`);
const POLL = 5000;
const HURRY = 1500; // how long after its time a code may be missing before we ask for it
const REST = 3000;

const code = {
  at: now(),
  left: Number(screen.dataset.left),
  period: Number(screen.dataset.period),
  grace: Number(screen.dataset.grace),
};
let ended = false;
let asked = now();
let announced = false;

/** The server's drawing as an element; parsed as a picture, so nothing in it can run. */
function drawing(svg) {
  const root = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  return root.nodeName === "svg" ? document.importNode(root, true) : null;
}

function showCount({ here, expected }) {
  if (here === undefined) return;
  part("here").textContent = here;
  part("expected").textContent = expected;
  part("bar").max = Math.max(1, expected);
  part("bar").value = here;
}

function showCode(data) {
  if (ended) return;
  Object.assign(code, { at: now(), left: data.left_ms, period: data.period_ms, grace: data.grace_ms });
  const picture = data.svg && drawing(data.svg);
  if (picture) part("qr").replaceChildren(picture);
  if (data.typed) {
    part("typed").replaceChildren(
      ...data.typed.split(" ").map((digits) => Object.assign(document.createElement("span"), { textContent: digits })),
    );
  }
  if (data.address) part("address").textContent = data.address;
  if (data.note !== undefined) part("note").textContent = data.note;
  showCount(data);
  announced = false;
  tick();
}

const AGAIN = 5000; // how often a closed screen looks whether a second check has begun

function showEnd({ title, text, again }) {
  ended = true;
  if (again) setTimeout(() => location.reload(), AGAIN);
  screen.dataset.state = "ended";
  if (title) part("end-title").textContent = title;
  if (text) part("end-text").textContent = text;
}

async function poll() {
  asked = now();
  if (!screen.dataset.poll) return;
  try {
    const answer = await fetch(screen.dataset.poll, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (answer.ok) showCode(await answer.json());
  } catch {
    // still away: the next round asks again
  }
}

function tick() {
  if (ended) return;
  const left = code.left - since(code.at);
  screen.dataset.state = left + code.grace < 0 ? "stale" : "live";
  draw({ ring: screen.querySelector(".ring"), seconds: part("seconds"), left, period: code.period });
  if (!announced && left < 10_000 && code.period >= 30_000) {
    announced = true; // once per code, not every second
    part("announce").textContent = part("announce").dataset.textSoon;
  }
  if (left < -HURRY && since(asked) > POLL) poll();
}

if (screen.dataset.stream) listen(screen.dataset.stream, { code: showCode, count: showCount, end: showEnd });
setInterval(tick, 250);
tick();

stayAwake();

const full = document.querySelector("[data-fullscreen]");
if (full && document.fullscreenEnabled) {
  full.hidden = false;
  full.addEventListener("click", () =>
    document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen(),
  );
}

document.querySelector("[data-refresh]")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  await fetch(form.action, { method: "POST", body: new FormData(form), redirect: "manual" }).catch(() => {});
  poll(); // the stream pushes the new code too; whichever comes first
});

let resting;
function stir() {
  document.body.classList.remove("is-resting");
  clearTimeout(resting);
  resting = setTimeout(() => document.body.classList.add("is-resting"), REST);
}
for (const sign of ["pointermove", "pointerdown", "keydown"]) document.addEventListener(sign, stir);
stir();
