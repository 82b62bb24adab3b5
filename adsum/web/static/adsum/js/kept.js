// What this phone keeps for the register: scans made without a network, until they are sent; and acknowledgements of scans that
// are recorded, until the university has signed them. Nothing here names a person: whose it is, the server decides.
const SCANS = "adsum-kept";
const PROOFS = "adsum-acknowledged";
const ASKED = "adsum-asked";
const ACCOUNT = "adsum-account";
const HOUR = 3_600_000;
const MOST_SCANS = 8;
const SCAN_LASTS = 7 * 24 * HOUR; // one that nobody says is theirs; the server takes those of 20 hours
const MOST_PROOFS = 120;
const PROOF_LASTS = 90 * 24 * HOUR;
const MOST_ASKED = 30;
const PATIENCE = 15_000;

const CODE = /^\/?([0-9A-HJKMNP-TV-Z]{36})$/;

function read(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(name)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** Whether it was kept: a browser may refuse to keep anything. */
function write(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/** Who was here last: `{account, name}`; both empty when nobody is signed in. */
export const here = () => read(ACCOUNT, { account: "", name: "" });

export function remember(account, name) {
  if (!account) localStorage.removeItem(ACCOUNT);
  else if (name || here().account !== account) write(ACCOUNT, { account, name });
}

/** The scans that wait here, the oldest first. */
export function scans() {
  return read(SCANS, []).filter((one) => Date.now() - one.at < SCAN_LASTS);
}

/** Keep what a camera saw, with the time. Undefined when it cannot be kept: eight wait already, or the browser keeps nothing. */
export function keepScan(text) {
  const code = CODE.exec(text)?.[1];
  const waiting = scans();
  const known = waiting.find((one) => one.code === code);
  if (known || !code || waiting.length >= MOST_SCANS) return known;
  const one = { code, at: Date.now(), whose: "", said: false };
  return write(SCANS, [...waiting, one]) ? one : undefined;
}

/** Somebody says "I'm here" of a scan: from now on it is sent by itself, and only as theirs. */
export function claim(code, whose) {
  write(
    SCANS,
    scans().map((one) => (one.code === code ? { ...one, whose, said: true } : one)),
  );
}

export function drop(code) {
  write(
    SCANS,
    scans().filter((one) => one.code !== code),
  );
}

export function keepProof(proof) {
  if (!proof) return;
  const others = proofs().filter((one) => one.proof !== proof);
  write(PROOFS, [...others, { proof, at: Date.now() }].slice(-MOST_PROOFS));
}

const proofs = () => read(PROOFS, []).filter((one) => Date.now() - one.at < PROOF_LASTS);

/** Post a form of ours; its JSON answer. Throws when no answer came, or one that is not ours. */
async function post(url, fields) {
  const answer = await fetch(url, {
    method: "POST",
    body: new URLSearchParams(fields),
    cache: "no-store",
    signal: AbortSignal.timeout(PATIENCE),
  });
  return answer.json();
}

/** Send what waits and was claimed; what the server said of each that it is done with. */
export async function sendScans() {
  const told = [];
  for (const one of scans().filter((scan) => scan.said)) {
    const said = await post("/in/kept", { code: one.code, whose: one.whose, ago: Math.max(0, Date.now() - one.at) }).catch(
      () => null,
    );
    if (!said) break; // still no network: the others wait, too
    if (!["in", "held", "refused", "unknown"].includes(said.state)) continue;
    drop(one.code);
    keepProof(said.kept);
    told.push(said);
  }
  return told;
}

/** Ask, at most hourly, whether everything acknowledged is recorded still; how many scans had to be brought back. */
export async function askAboutProofs() {
  const held = proofs();
  if (!held.length || Date.now() - read(ASKED, 0) < HOUR) return 0;
  const some = held.slice(0, MOST_ASKED);
  const said = await post("/in/acknowledged", { kept: some.map((one) => one.proof).join(" ") }).catch(() => null);
  if (said?.state !== "told") return 0;
  write(ASKED, Date.now());
  const done = new Set(some.filter((_, place) => ["signed", "unknown"].includes(said.scans[place]?.state)).map((one) => one.proof));
  // What stays goes to the end, so that the next question is about others.
  const asked = new Set(some.map((one) => one.proof));
  const rest = proofs().filter((one) => !done.has(one.proof));
  write(PROOFS, [...rest.filter((one) => !asked.has(one.proof)), ...rest.filter((one) => asked.has(one.proof))]);
  return said.scans.filter((one) => one.state === "recovered").length;
}
