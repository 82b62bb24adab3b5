// What this phone keeps for the register: scans made without a network, until they are sent; and acknowledgements of scans that
// are recorded, until the university has signed them. A scan names nobody: whose it is, the server decides. The name that a person
// is shown by is kept only to say, without a network, as whom a scan will be sent.
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
const FIRST_PAUSE = 5_000;
const LONGEST_PAUSE = 300_000;
const DONE = new Set(["in", "held", "refused", "unknown"]);

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

/** Keep what a camera saw, with the time at which it did. Undefined when it cannot be kept: eight wait already, or the browser keeps
 * nothing. */
export function keepScan(text, at = Date.now()) {
  const code = CODE.exec(text)?.[1];
  const waiting = scans();
  const known = waiting.find((one) => one.code === code);
  if (known || !code || waiting.length >= MOST_SCANS) return known;
  const one = { code, at: Math.round(at), whose: "", said: false };
  return write(SCANS, [...waiting, one]) ? one : undefined;
}

const change = (code, facts) =>
  write(
    SCANS,
    scans().map((one) => (one.code === code ? { ...one, ...facts } : one)),
  );

/** Somebody says "I'm here" of a scan: from now on it is sent by itself, and only as theirs. */
export const claim = (code, whose) => change(code, { whose, said: true });

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

/** Post a form of ours; its JSON answer, and for how long not to ask again. What is no JSON says "later". Throws when no answer
 * came. */
async function post(url, fields) {
  const answer = await fetch(url, {
    method: "POST",
    body: new URLSearchParams(fields),
    cache: "no-store",
    signal: AbortSignal.timeout(PATIENCE),
  });
  const said = await answer.json().catch(() => null);
  return { ...(said ?? { state: "later" }), wait: 1000 * (Number(answer.headers.get("retry-after")) || 0) };
}

/** Send what waits and was claimed: what the server said of each that it is done with or that waits for somebody, whether it said
 * anything at all, and for how long not to ask again. */
async function sendScans() {
  const sent = { told: [], reached: false, wait: 0 };
  for (const one of scans().filter((scan) => scan.said)) {
    const ago = Math.max(0, Math.round(Date.now() - one.at));
    const fields = { code: one.code, whose: one.whose, ago, ticket: one.ticket ?? "" };
    const said = await post("/in/kept", fields).catch(() => null);
    if (!said) break; // still no network: the others wait, too
    sent.reached = true;
    sent.wait = Math.max(sent.wait, said.wait);
    if (said.ticket) change(one.code, { ticket: said.ticket }); // proof of its time, which the code will not be for long
    if (DONE.has(said.state)) {
      drop(one.code);
      keepProof(said.kept);
    }
    if (DONE.has(said.state) || ["sign_in", "another"].includes(said.state)) sent.told.push(said);
    if (said.state === "sign_in") break;
  }
  return sent;
}

/** A function that sends what waits: at once, and again by itself after pauses that grow, each phone at its own moment, as long as
 * `goesOn` says so of what it was told. `tell` gets each answer, `after` whether any came. */
export function sender({ tell, after = () => {}, goesOn }) {
  let timer;
  let busy = false;
  let misses = 0;
  async function send() {
    if (busy) return;
    busy = true;
    clearTimeout(timer);
    const { told, reached, wait } = await sendScans();
    busy = false;
    misses = told.length ? 0 : misses + 1;
    told.forEach(tell);
    after(reached);
    const pause = Math.max(wait, Math.min(FIRST_PAUSE * 2 ** misses, LONGEST_PAUSE)) * (1 + Math.random() / 2);
    if (goesOn(told)) timer = setTimeout(send, pause);
  }
  return () => {
    misses = 0;
    return send();
  };
}

/** Ask, at most hourly, whether everything acknowledged is recorded still: how many scans had to be brought back, and how many are
 * newly known to be lost. */
export async function askAboutProofs() {
  const nothing = { back: 0, lost: 0 };
  const held = proofs();
  if (!held.length || Date.now() - read(ASKED, 0) < HOUR) return nothing;
  const some = held.slice(0, MOST_ASKED);
  const said = await post("/in/acknowledged", { kept: some.map((one) => one.proof).join(" ") }).catch(() => null);
  if (said?.state !== "told") return nothing;
  write(ASKED, Date.now());
  const those = (...states) => some.filter((_, place) => states.includes(said.scans[place]?.state));
  const done = new Set(those("signed", "unknown", "queried").map((one) => one.proof));
  const lost = new Set(those("lost").filter((one) => !one.lost).map((one) => one.proof));
  // What stays goes to the end, so that the next question is about others.
  const asked = new Set(some.map((one) => one.proof));
  const rest = proofs()
    .filter((one) => !done.has(one.proof))
    .map((one) => (lost.has(one.proof) ? { ...one, lost: true } : one));
  write(PROOFS, [...rest.filter((one) => !asked.has(one.proof)), ...rest.filter((one) => asked.has(one.proof))]);
  return { back: those("recovered", "queried").length, lost: lost.size };
}
