// Check-in without a network: what the camera sees is kept with its time, and sent when there is a network again. The page is the
// same for everybody; a worker shows it in place of one that could not be fetched.
import { claim, drop, here, keepScan, scans, sender } from "./kept.js";
import { watchFor } from "./scanner.js";
import { found } from "./tones.js";

const main = document.querySelector("main");
const part = (name) => main.querySelector(`[data-${name}]`);
const PATIENCE = 15_000;
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

function keep(path, at = Date.now()) {
  found();
  const kept = keepScan(path, at);
  part("state").textContent = kept ? part("state").dataset.textKept : part("state").dataset.textFull;
  draw();
  part("waiting").scrollIntoView({ block: "nearest" });
  return kept;
}

const somebody = new Set();

function tell(said) {
  const words = part("answers").dataset;
  const first = { sign_in: words.textSignIn, another: words.textAnother }[said.state];
  if (first && somebody.has(said.state)) return;
  if (first) somebody.add(said.state);
  const row = part("answer").content.firstElementChild.cloneNode(true);
  row.querySelector("[data-title]").textContent = first ? words.title : said.title;
  row.querySelector("[data-text]").textContent = first ?? said.text;
  if (said.tell) {
    const form = row.querySelector("form");
    form.elements.ticket.value = said.tell;
    form.hidden = false;
  }
  part("answers").append(row);
}

/** The way on, once there is a network: not to a code, which is kept here. */
async function back(reached) {
  draw();
  if (!reached) {
    const signal = AbortSignal.timeout(PATIENCE);
    const answer = await fetch("/in/offline", { method: "HEAD", cache: "no-store", signal }).catch(() => null);
    if (!answer?.ok) return;
  }
  part("online").hidden = false;
}

const send = sender({
  tell,
  after: back,
  goesOn: (told) => !told.some((said) => ["sign_in", "another"].includes(said.state)),
});

// The page stands in for that of a code, and was asked for when the camera saw it.
if (/^\/[0-9A-HJKMNP-TV-Z]{36}$/.test(asked) && keep(asked, performance.timeOrigin)) history.replaceState(null, "", "/in/offline");
watchFor((path) => keep(path));
window.addEventListener("online", send);
draw();
send();
