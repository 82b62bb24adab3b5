// The live register: marks arrive by themselves; people are found, filtered, selected and marked by hand or by key.
import { listen } from "./live.js";
import { toast } from "./toast.js";

const register = document.querySelector("[data-register]");
const part = (name) => register.querySelector(`[data-${name}]`);
const seats = () => [...register.querySelectorAll(".seat")];
const seatOf = (student) => register.querySelector(`.seat[data-student="${CSS.escape(student)}"]`);

// --- what arrives

function applyMark(mark) {
  const seat = seatOf(mark.student);
  if (!seat) return;
  const changed = seat.dataset.status !== mark.status;
  seat.dataset.status = mark.status;
  const chip = register.querySelector(`template[data-chip="${CSS.escape(mark.status)}"]`);
  if (chip) seat.querySelector("[data-seat-chip]").replaceChildren(chip.content.cloneNode(true));
  seat.querySelector("[data-seat-word]").textContent = mark.label;
  seat.querySelector("[data-seat-at]").textContent = mark.at || "";
  seat.querySelector("[data-seat-note]").textContent = mark.note || "";
  if (!changed) return;
  for (const other of register.querySelectorAll(".seat.is-new")) other.classList.remove("is-new");
  void seat.offsetWidth; // so that a second change of the same seat glows again
  seat.classList.add("is-new");
  show();
}

function applyCounts(counts) {
  for (const [name, value] of Object.entries(counts)) {
    for (const element of document.querySelectorAll(`[data-count="${CSS.escape(name)}"]`)) element.textContent = value;
  }
}

function applyHeld(scan) {
  const list = part("held");
  if (!list) return;
  let item = list.querySelector(`[data-held-id="${CSS.escape(scan.id)}"]`);
  if (!scan.url) {
    item?.remove();
    return;
  }
  if (!item) {
    item = part("held-template")?.content.firstElementChild.cloneNode(true);
    if (!item) return;
    item.dataset.heldId = scan.id;
    list.append(item);
  }
  item.querySelector("[data-held-name]").textContent = scan.name;
  item.querySelector("[data-held-number]").textContent = scan.number;
  item.querySelector("[data-held-at]").textContent = scan.at;
  item.querySelector("[data-held-why]").textContent = scan.why;
  for (const button of item.querySelectorAll("button")) button.formAction = scan.url;
}

function applyRelief({ text }) {
  const line = part("relief");
  if (!line) return;
  line.hidden = !text;
  line.textContent = text;
}

function applyState(state) {
  // Signed out, or no longer somebody who may see this: no name stays on the screen, and the server says why.
  if (state === "refused") location.reload();
  const line = part("live");
  if (!line || line.dataset.state === state) return;
  line.dataset.state = state;
  line.textContent = line.dataset[`text${state[0].toUpperCase()}${state.slice(1)}`];
}

if (register.dataset.stream) {
  listen(
    register.dataset.stream,
    { mark: applyMark, counts: applyCounts, held: applyHeld, relief: applyRelief, end: ({ text }) => text && toast(text) },
    applyState,
  );
}

// --- whom to see

const HERE = ["present", "late", "left_early", "attended_other_group", "attended_remote"];
const FILTERS = {
  "": () => true,
  expected: (status) => status === "expected",
  present: (status) => HERE.includes(status),
  late: (status) => status === "late",
  absent: (status) => status.startsWith("absent"),
};
let filter = "";

function show() {
  const wanted = (part("search")?.value ?? "").trim().toLowerCase().split(/\s+/);
  for (const seat of seats()) {
    const found = wanted.every((word) => seat.dataset.find.includes(word));
    // Someone selected stays in sight until the mark is made.
    const kept = FILTERS[filter](seat.dataset.status) || seat.querySelector(".seat-pick").checked;
    seat.hidden = !(found && kept);
  }
}

part("search")?.addEventListener("input", show);
register.addEventListener("click", (event) => {
  const button = event.target.closest("[data-filter]");
  if (!button) return;
  filter = button.dataset.filter;
  for (const other of register.querySelectorAll("[data-filter]")) {
    other.setAttribute("aria-pressed", String(other === button));
  }
  show();
});

// --- marking

function countSelected() {
  const selected = part("selected"); // a cancelled class has nothing to mark with
  if (selected) selected.textContent = register.querySelectorAll(".seat-pick:checked").length;
}
register.addEventListener("change", (event) => event.target.matches(".seat-pick") && countSelected());

function offerUndo(change, text) {
  const form = document.querySelector("[data-undo]");
  if (!form || !change) return;
  form.elements.change.value = change;
  form.querySelector("[data-undo-text]").textContent = text;
  form.hidden = false;
}

async function send(url, body) {
  const answer = await fetch(url, { method: "POST", body, headers: { Accept: "application/json" } });
  const data = await answer.json();
  if (data.message) toast(data.message);
  if (data.next) location.assign(data.next);
  if (!answer.ok) return;
  for (const mark of data.marks ?? []) applyMark(mark);
  if (data.counts) applyCounts(data.counts);
  offerUndo(data.undo, data.message);
  for (const pick of register.querySelectorAll(".seat-pick:checked")) pick.checked = false;
  countSelected();
  show();
}

register.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (button?.name !== "status" && button?.name !== "decision") return;
  event.preventDefault();
  const body = new FormData(register, button);
  if (button.name === "decision") body.delete("student");
  const url = button.hasAttribute("formaction") ? button.formAction : register.action;
  // Without an answer we can read, the plain form still works and shows what happened.
  send(url, body).catch(() => {
    register.action = url;
    const plain = Object.assign(document.createElement("input"), { type: "hidden", name: button.name, value: button.value });
    register.append(plain);
    register.submit();
  });
});

// --- by keyboard: arrows move between people, space selects, a letter marks whoever is selected, else the one in focus

function neighbour(seat, key) {
  const visible = seats().filter((one) => !one.hidden);
  const here = visible.indexOf(seat);
  const top = (one) => one.getBoundingClientRect().top;
  const columns = visible.filter((one) => Math.abs(top(one) - top(visible[0])) < 2).length;
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[key];
  return visible[here + step];
}

register.addEventListener("keydown", (event) => {
  const pick = event.target.closest(".seat-pick");
  if (!pick || event.ctrlKey || event.metaKey || event.altKey) return;
  const seat = pick.closest(".seat");
  if (event.key.startsWith("Arrow")) {
    event.preventDefault();
    neighbour(seat, event.key)?.querySelector(".seat-pick").focus();
    return;
  }
  const button = register.querySelector(`.mark-bar button[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!button || !button.dataset.key) return;
  event.preventDefault();
  if (!register.querySelector(".seat-pick:checked")) pick.checked = true;
  register.requestSubmit(button);
});

countSelected();
show();
