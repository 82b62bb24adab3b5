// Single keys for those who work here all day. They rest in fields and dialogs, and can be switched off (WCAG 2.1.4).
const KEPT = "adsum-keys";
const WAITS = 1500; // how long a g waits for its number
const FIELDS = "input, textarea, select, [contenteditable], dialog";

const find = document.getElementById("find");
const sheet = document.getElementById("keys");
const box = sheet?.querySelector("[data-keys-on]");

function isOn() {
  try {
    return localStorage.getItem(KEPT) !== "off";
  } catch {
    return true; // storage may be refused; then they are on, and off for this page alone
  }
}

let on = isOn();
let going = 0;

function keep(wanted) {
  on = wanted;
  try {
    localStorage.setItem(KEPT, wanted ? "on" : "off");
  } catch {
    // kept for this page only
  }
}

const follow = (link) => link && location.assign(link.href);

const KEYS = {
  "/": () => (find.showModal(), find.querySelector("input").select()),
  "?": () => sheet.showModal(),
  g: () => (going = performance.now()),
  n: () => follow(document.querySelector(".walk [rel=next]")),
  b: () => follow(document.querySelector(".walk a")),
  h: () => follow(document.querySelector("[data-help]")),
};

if (find && sheet) {
  box.checked = on;
  box.addEventListener("change", () => keep(box.checked));
  document.addEventListener("keydown", (event) => {
    if (!on || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.repeat) return;
    if (event.target.closest(FIELDS)) return;
    const entry = going && performance.now() - going < WAITS && /^[1-9]$/.test(event.key);
    if (entry) {
      event.preventDefault();
      going = 0;
      follow(document.querySelectorAll(".nav-line a")[Number(event.key) - 1]);
      return;
    }
    if (!Object.hasOwn(KEYS, event.key)) return;
    event.preventDefault();
    KEYS[event.key]();
  });
}

document.addEventListener("click", (event) => {
  const closer = event.target.closest("dialog [data-close]");
  if (closer) closer.closest("dialog").close();
});
