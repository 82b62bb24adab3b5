// Adsum as an app on a phone: keeps one's timetable for when there is no network, sends what was scanned without one, and asks
// whether what was acknowledged is recorded still.
import { askAboutProofs, claim, drop, remember, scans, sender } from "./kept.js";
import { toast } from "./toast.js";

const { account, name, worker, timetable } = document.body.dataset;

/** Tell the worker who is here: what it keeps of anybody else goes. */
async function introduce() {
  if (!navigator.serviceWorker) return;
  if (account && worker) await navigator.serviceWorker.register(worker, { scope: "/", updateViaCache: "none" });
  const ready = account ? await navigator.serviceWorker.ready : await navigator.serviceWorker.getRegistration("/");
  const language = document.documentElement.lang;
  ready?.active?.postMessage({ account, timetable: timetable !== undefined, language });
}

const time = (at) =>
  new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" }).format(new Date(at));

const sheet = document.getElementById("kept-notice");

/** A notice at the top of the page, which stays. */
function tell(title, text) {
  const notice = sheet.content.firstElementChild.cloneNode(true);
  notice.querySelector("[data-title]").textContent = title;
  notice.querySelector("[data-text]").textContent = text;
  document.querySelector("main").prepend(notice);
  return notice;
}

const shown = new Set();

/** Scans of which nobody said yet that they are theirs. */
function look() {
  for (const one of scans()) if (!one.said && !shown.has(one.code)) ask(one);
}

function ask(one) {
  shown.add(one.code);
  const { title, text } = sheet.dataset;
  const notice = tell(title.replace("{time}", time(one.at)), text);
  const [mine, other] = notice.querySelectorAll("button");
  notice.querySelector(".actions").hidden = false;
  mine.addEventListener("click", () => {
    notice.remove();
    claim(one.code, account);
    send();
  });
  other.addEventListener("click", () => {
    notice.remove();
    drop(one.code);
  });
}

const send = sender({
  tell: (said) => {
    if (!said.title) return; // somebody else's, who is asked when they are here
    const notice = tell(said.title, said.text);
    notice.classList.add(said.state === "in" ? "tone-good" : "tone-note");
    if (!said.tell) return;
    const form = notice.querySelector("form");
    form.elements.ticket.value = said.tell;
    form.hidden = false;
  },
  goesOn: (told) => !told.some((said) => said.state === "sign_in") && scans().some((one) => one.said && one.whose === account),
});

if (location.pathname.startsWith("/messages/")) navigator.clearAppBadge?.().catch(() => {});
if (account !== undefined) {
  remember(account, name);
  introduce().catch(() => {}); // a browser may refuse workers; everything else works without
}
if (account && sheet) {
  look();
  send();
  window.addEventListener("online", send);
  document.addEventListener("scan-kept", look);
  askAboutProofs().then(({ back, lost }) => {
    if (back) toast(sheet.dataset.recovered);
    if (lost) tell(sheet.dataset.lostTitle, sheet.dataset.lost);
  });
}

// Signing out empties what this browser keeps.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-sign-out]") || event.defaultPrevented || !sheet || !scans().length) return;
  if (!window.confirm(sheet.dataset.leaving)) event.preventDefault();
});
