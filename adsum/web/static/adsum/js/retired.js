// Takes the place of the worker where phones are to keep nothing any more: it empties what was kept, and ends itself.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => {
  const end = async () => {
    for (const name of await caches.keys()) if (name.startsWith("adsum-")) await caches.delete(name);
    await self.registration.unregister();
  };
  event.waitUntil(end());
});
