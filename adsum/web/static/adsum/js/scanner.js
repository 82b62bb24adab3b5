// Scans the code inside the page, for phones whose camera app does not read QR codes. It opens our own check-in addresses
// on this very host and nothing else.

const CHECK_IN = /^\/[0-9A-HJKMNP-TV-Z]{36}$/;
const PAUSE = 120;

const scanner = document.querySelector("[data-scanner]");
const view = scanner.querySelector(".scanner-view");
const video = scanner.querySelector("video");
const state = scanner.querySelector("[data-scanner-state]");
const start = scanner.querySelector("[data-scanner-start]");

const say = (what) => (state.textContent = state.dataset[`text${what}`]);

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

async function watch(reader, stream) {
  while (stream.active) {
    for (const { rawValue } of await reader.detect(video).catch(() => [])) {
      const path = checkInPath(rawValue);
      if (path) {
        say("Found");
        for (const track of stream.getTracks()) track.stop();
        location.assign(path);
        return;
      }
      say("Other");
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

start.addEventListener("click", async () => {
  start.disabled = true;
  try {
    const stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } },
    });
    video.srcObject = stream;
    view.hidden = false;
    await video.play();
    start.hidden = true;
    say("Looking");
    await watch(await detector(), stream);
  } catch (problem) {
    start.disabled = false;
    say(problem.name === "NotAllowedError" ? "Denied" : "Missing");
  }
});

// The camera needs a secure address; elsewhere the typed code is the way.
if (navigator.mediaDevices?.getUserMedia) start.hidden = false;
else say("Missing");
