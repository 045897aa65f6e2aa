"use strict";
// When the connection is lost, the residents' first page is answered by the form on one page, which keep.js has put
// aside. Every other address of Doorstep goes past this worker, and so does every form that is sent.

const WHOLE = "/report/whole";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const request = event.request;
  const { origin, pathname } = new URL(request.url);
  if (origin !== self.location.origin || request.method !== "GET") return;
  if (request.mode === "navigate") {
    if (pathname === "/" || /^\/(report(\/whole)?|at\/[^/]+)$/.test(pathname)) event.respondWith(page(request));
  } else if (pathname.startsWith("/assets/")) {
    event.respondWith(caches.match(request, { ignoreVary: true }).then((kept) => kept || fetch(request)));
  }
});

async function page(request) {
  const kept = async () => {
    const form = await caches.match(WHOLE, { ignoreVary: true });
    return form && new Response(await form.blob(), { headers: form.headers });
  };
  try {
    const answer = await fetch(request);
    // A gateway without a service behind it answers, but not with a page.
    const away = answer.status >= 500 && !(answer.headers.get("Content-Type") || "").startsWith("text/html");
    return (away && (await kept())) || answer;
  } catch (lost) {
    const form = await kept();
    if (!form) throw lost;
    return form;
  }
}
