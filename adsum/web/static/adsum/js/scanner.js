// Scans the code inside the page, for phones whose camera app does not read QR codes. It knows our own check-in addresses on this
// very host and nothing else. Which camera, and its light, can be chosen where the phone lets us.
import { keepScan } from "./kept.js";
import { found } from "./tones.js";

const CHECK_IN = /^\/[0-9A-HJKMNP-TV-Z]{36}$/;
const PAUSE = 120;
const PATIENCE = 8_000;
const CAMERA = "adsum-camera";

const scanner = document.querySelector("[data-scanner]");
const view = scanner.querySelector(".scanner-view");
const video = scanner.querySelector("video");
const state = scanner.querySelector("[data-scanner-state]");
const start = scanner.querySelector("[data-scanner-start]");
const tools = scanner.querySelector("[data-scanner-tools]");
const light = scanner.querySelector("[data-scanner-light]");
const other = scanner.querySelector("[data-scanner-other]");

const say = (what) => (state.textContent = state.dataset[`text${what}`]);

let open = follow;
let stream;
let cameras = [];

/** What to do with the path of a code; else the page opens it. */
export function watchFor(does) {
  open = does;
}

/** Open a code; without a network, and without a worker that would step in, keep it: where this page would send it later. */
async function follow(path) {
  const at = Date.now();
  const keeps = document.getElementById("kept-notice");
  const away = () => fetch(location.href, { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(PATIENCE) }).then(() => false, () => true);
  if (navigator.serviceWorker?.controller || !keeps || !(await away())) {
    location.assign(path);
    return;
  }
  say(keepScan(path, at) ? "Kept" : "Full");
  document.dispatchEvent(new CustomEvent("scan-kept"));
}

/** The path of a check-in address of ours, or null. */
export function checkInPath(text, host = location.host) {
  let address;
  try {
    address = new URL(text);
  } catch {
    return null;
  }
  const ours = /^https?:$/.test(address.protocol) && address.host === host && !address.search && !address.hash;
  return ours && CHECK_IN.test(address.pathname) ? address.pathname : null;
}

/** The browser's own detector where it reads QR codes, else ours. */
async function detector() {
  const own = globalThis.BarcodeDetector;
  if (own && (await own.getSupportedFormats().catch(() => [])).includes("qr_code")) {
    return new own({ formats: ["qr_code"] });
  }
  await new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: scanner.dataset.decoder });
    script.addEventListener("load", resolve);
    script.addEventListener("error", reject);
    document.head.append(script);
  });
  const { BarcodeDetector, prepareZXingModule } = globalThis.BarcodeDetectionAPI;
  prepareZXingModule({ overrides: { locateFile: () => scanner.dataset.wasm } });
  return new BarcodeDetector({ formats: ["qr_code"] });
}

function close() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  view.hidden = true;
  tools.hidden = true;
  start.hidden = start.disabled = false;
}

async function watch(reader, films) {
  while (films.active) {
    for (const { rawValue } of await reader.detect(video).catch(() => [])) {
      const path = checkInPath(rawValue);
      if (path) {
        say("Found");
        found();
        close();
        open(path);
        return;
      }
      say("Other");
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

const chosen = () => {
  try {
    return localStorage.getItem(CAMERA);
  } catch {
    return null;
  }
};

/** Film with the camera of that name, or the one at the back. */
async function film(camera) {
  for (const track of stream?.getTracks() ?? []) track.stop();
  const which = camera ? { deviceId: { ideal: camera } } : { facingMode: "environment" };
  stream = await navigator.mediaDevices.getUserMedia({ video: { ...which, width: { ideal: 1280 }, height: { ideal: 720 } } });
  video.srcObject = stream;
  view.hidden = false;
  await video.play();
  const [track] = stream.getVideoTracks();
  light.hidden = !track.getCapabilities?.().torch;
  light.setAttribute("aria-pressed", "false");
  cameras = (await navigator.mediaDevices.enumerateDevices()).filter((one) => one.kind === "videoinput");
  other.hidden = cameras.length < 2;
  tools.hidden = light.hidden && other.hidden;
  return stream;
}

let reader;

async function begin(camera) {
  start.disabled = true;
  try {
    const films = await film(camera);
    start.hidden = true;
    say("Looking");
    reader ??= await detector();
    await watch(reader, films);
  } catch (problem) {
    close();
    say(problem.name === "NotAllowedError" ? "Denied" : "Missing");
  }
}

start.addEventListener("click", () => begin(chosen()));

other.addEventListener("click", () => {
  const now = stream.getVideoTracks()[0].getSettings().deviceId;
  const next = cameras[(cameras.findIndex((one) => one.deviceId === now) + 1) % cameras.length].deviceId;
  try {
    localStorage.setItem(CAMERA, next);
  } catch {
    // for this page only
  }
  begin(next);
});

light.addEventListener("click", async () => {
  const on = light.getAttribute("aria-pressed") !== "true";
  await stream
    .getVideoTracks()[0]
    .applyConstraints({ advanced: [{ torch: on }] })
    .then(() => light.setAttribute("aria-pressed", String(on)))
    .catch(() => (light.hidden = true));
});

// The camera needs a secure address; elsewhere the typed code is the way.
if (navigator.mediaDevices?.getUserMedia) start.hidden = false;
else say("Missing");
