// Runs beside the pages of a phone and steps in when there is no network. It keeps the files of two pages, one that scans and is
// the same for everybody, and one with the timetable of whoever is signed in; no other page is ever kept. `SHELL` stands above:
// which files, and the version they make together.
const NAME = `adsum-${SHELL.version}`;
const OWN = `${NAME}-own`;
const MET = "adsum-met"; // who was here last; it outlives versions
const SCANS = "/in/offline";
const TIMETABLE = "/today/kept/";
const WHOSE = "/adsum-whose";
const CODE = /^\/[0-9A-HJKMNP-TV-Z]{36}$/;
const HOUR = 3_600_000;
const PATIENCE = 15_000; // for a code: it is kept rather than waited for

async function keep(cache, address) {
  const answer = await fetch(address, { cache: "no-store", redirect: "error" });
  if (answer.status !== 200) throw new Error(`${address}: ${answer.status}`);
  await cache.put(address, answer);
}

self.addEventListener("install", (event) => {
  const fill = async () => {
    const cache = await caches.open(NAME);
    await Promise.all([cache.addAll(SHELL.files), keep(cache, SCANS)]);
    await self.skipWaiting();
  };
  event.waitUntil(fill());
});

self.addEventListener("activate", (event) => {
  const begin = async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith("adsum-") && ![NAME, OWN, MET].includes(name));
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.registration.navigationPreload?.enable();
    await self.clients.claim();
  };
  event.waitUntil(begin());
});

/** What to show in place of a page that cannot be fetched. */
async function instead(path) {
  const own = CODE.test(path) || path === "/in" || path.startsWith("/in/") ? null : await (await caches.open(OWN)).match(TIMETABLE);
  return own ?? (await (await caches.open(NAME)).match(SCANS)) ?? Response.error();
}

async function page(event, path) {
  const fetched = (async () => (await event.preloadResponse) ?? fetch(event.request))();
  const late = new Promise((_, reject) => {
    if (CODE.test(path)) setTimeout(() => reject(new Error("slow")), PATIENCE);
  });
  return Promise.race([fetched, late]).catch(() => instead(path));
}

async function file(request) {
  const cache = await caches.open(NAME);
  const kept = await cache.match(request, { ignoreVary: true });
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) await cache.put(request, answer.clone());
  return answer;
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== self.location.origin) return;
  if (pathname === "/sign-out/") event.waitUntil(Promise.all([caches.delete(OWN), request.method === "POST" && fallSilent()]));
  else if (request.method !== "GET") return;
  else if (request.mode === "navigate") event.respondWith(page(event, pathname));
  else if (SHELL.files.includes(pathname) || SHELL.later.includes(pathname)) event.respondWith(file(request));
});

/** What is told at once is told to one person: not to whoever is here next. */
async function fallSilent() {
  await (await self.registration.pushManager?.getSubscription())?.unsubscribe();
}

async function another(account) {
  const cache = await caches.open(MET);
  const last = await (await cache.match(WHOSE))?.text();
  if (last === account) return;
  await cache.put(WHOSE, new Response(account));
  if (last) await fallSilent();
}

/** A page says who is here. Nothing of anybody else stays. */
async function meet({ account, timetable, language }) {
  if (account) await another(account).catch(() => {});
  const whose = await (await caches.open(OWN)).match(WHOSE);
  const known = whose ? await whose.json() : {};
  if (known.account !== account) await caches.delete(OWN);
  if (!account) return;
  if (known.language && known.language !== language) await keep(await caches.open(NAME), SCANS);
  const fresh = known.account === account && known.language === language && Date.now() - known.at < HOUR;
  if (fresh || !timetable) return;
  const own = await caches.open(OWN);
  await keep(own, TIMETABLE);
  await own.put(WHOSE, new Response(JSON.stringify({ account, language, at: Date.now() })));
}

self.addEventListener("message", (event) => event.waitUntil(meet(event.data).catch(() => {})));

// What the university tells this phone at once: encrypted for it alone.
self.addEventListener("push", (event) => {
  const show = async () => {
    const { title, body, url, tag, unread, language } = event.data.json();
    await self.registration.showNotification(title, { body, tag, lang: language, icon: SHELL.icon, data: { url } });
    await self.navigator.setAppBadge?.(unread);
  };
  event.waitUntil(show());
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const open = async () => {
    const address = new URL(event.notification.data.url, self.location.origin).href;
    const [shown] = await self.clients.matchAll({ type: "window" });
    if (!shown) return self.clients.openWindow(address);
    await shown.focus();
    return shown.navigate(address);
  };
  event.waitUntil(open());
});
