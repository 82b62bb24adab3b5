// Check-in without a network: what the camera sees is kept with its time, and sent when there is a network again. The page is the
// same for everybody; a worker shows it in place of one that could not be fetched.
import { claim, drop, here, keepScan, scans, sendScans } from "./kept.js";
import { watchFor } from "./scanner.js";
import { found } from "./tones.js";

const main = document.querySelector("main");
const part = (name) => main.querySelector(`[data-${name}]`);
const AGAIN = 5_000;
const asked = location.pathname;

const time = (at) =>
  new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(
    new Date(at),
  );

function item(one) {
  const row = part("row").content.firstElementChild.cloneNode(true);
  row.querySelector("[data-at]").textContent = time(one.at);
  row.querySelector("[data-said]").hidden = !one.said;
  const [mine, other] = row.querySelectorAll("button");
  mine.hidden = one.said;
  mine.addEventListener("click", () => {
    claim(one.code, here().account);
    draw();
    send();
  });
  other.addEventListener("click", () => {
    drop(one.code);
    draw();
  });
  return row;
}

function draw() {
  const waiting = scans();
  const { account, name } = here();
  part("waiting").hidden = !waiting.length;
  part("rows").replaceChildren(...waiting.map(item));
  part("who").hidden = !account;
  part("name").textContent = name;
  // Who nobody knows here says so when they have signed in.
  for (const mine of part("rows").querySelectorAll("[data-mine]")) mine.hidden ||= !account;
  part("later").hidden = Boolean(account) || !waiting.length;
}

function keep(path) {
  found();
  const kept = keepScan(path);
  part("state").textContent = kept ? part("state").dataset.textKept : part("state").dataset.textFull;
  draw();
  part("waiting").scrollIntoView({ block: "nearest" });
}

let timer;
async function send() {
  clearTimeout(timer);
  for (const said of await sendScans()) {
    const row = part("answer").content.firstElementChild.cloneNode(true);
    row.querySelector("[data-title]").textContent = said.title;
    row.querySelector("[data-text]").textContent = said.text;
    part("answers").append(row);
  }
  draw();
  timer = setTimeout(send, AGAIN);
}

/** Back to the page that was wanted, once there is a network: not to a code, which is kept here. */
async function back() {
  const answer = await fetch("/in/offline", { method: "HEAD", cache: "no-store" }).catch(() => null);
  if (answer?.ok) part("online").hidden = false;
}

if (/^\/[0-9A-HJKMNP-TV-Z]{36}$/.test(asked)) {
  history.replaceState(null, "", "/in/offline");
  keep(asked);
}
watchFor(keep);
window.addEventListener("online", () => {
  send();
  back();
});
draw();
send();
