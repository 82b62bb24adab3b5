// Check-in pages: the code leaves the address bar, so that it is neither shared nor kept in the history; a tap without a network
// is sent by itself when the network is back; and when very many check in at once, the page tries again by itself, each phone at
// its own moment.
import { keepProof } from "./kept.js";
import { arrived } from "./tones.js";

const { address } = document.querySelector("script[data-address]").dataset;
const PATIENCE = 20_000;
const AGAIN = 5_000;
history.replaceState(null, "", address);

/** What a page that has just come asks for: keep its acknowledgement, or try again. */
function begin() {
  const main = document.querySelector("main");
  keepProof(main.dataset.kept);
  if (main.matches(".sheet-receipt")) arrived();
  const busy = document.querySelector("form[data-retry]");
  if (busy) setTimeout(() => busy.requestSubmit(), 2000 + 4000 * Math.random());
}

/** Show the answer in place of this page. */
function show(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const main = page.querySelector("main");
  if (!main) throw new TypeError("no page of ours");
  document.title = page.title;
  document.querySelector("main").replaceWith(document.importNode(main, true));
  document.querySelector("main").tabIndex = -1;
  document.querySelector("main").focus({ preventScroll: true });
  window.scrollTo(0, 0);
  begin();
}

let timer;
let sending = false;

async function send(form) {
  if (sending || !form.isConnected) return;
  sending = true;
  clearTimeout(timer);
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), signal });
    if (answer.redirected) location.assign(answer.url);
    else if (answer.headers.get("content-type")?.startsWith("text/html")) show(await answer.text());
    else form.submit(); // no page, so the browser shows what it is
  } catch {
    const waiting = form.querySelector("[data-waiting]");
    waiting.hidden = false;
    waiting.querySelector("[role=status]").textContent = waiting.dataset.text;
    timer = setTimeout(() => send(form), AGAIN);
  } finally {
    sending = false;
  }
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-tap]")) return;
  event.preventDefault();
  send(event.target);
});

for (const sign of ["online", "pageshow"]) {
  window.addEventListener(sign, () => {
    const form = document.querySelector("form[data-tap]");
    if (form?.querySelector("[data-waiting]:not([hidden])")) send(form);
  });
}

begin();
