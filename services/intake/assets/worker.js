"use strict";
// When the connection is lost, the residents' first page and form are answered by the form on one page, which keep.js
// has put aside. Every other address of Doorstep goes past this worker, and so does what another site sends.

const PUT_ASIDE = "doorstep-form";
const WHOLE = "/report/whole";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const request = event.request;
  const { origin, pathname } = new URL(request.url);
  if (origin !== self.location.origin) return;
  if (request.mode === "navigate") {
    const asked = pathname === "/" || /^\/(report|at\/[^/]+)$/.test(pathname);
    const own = request.method === "GET" || request.referrer.startsWith(`${origin}/`);
    if (asked && own) event.respondWith(page(request));
  } else if (pathname.startsWith("/assets/")) {
    event.respondWith(caches.match(request).then((kept) => kept || fetch(request)));
  }
});

async function page(request) {
  const sent = request.method === "POST" ? request.clone() : null;
  try {
    const answer = await fetch(request);
    // A gateway without a service behind it answers, but not with a page.
    if (answer.status >= 500 && !(answer.headers.get("Content-Type") || "").startsWith("text/html")) throw answer;
    return answer;
  } catch (lost) {
    const kept = await caches.match(WHOLE);
    if (!kept) {
      if (lost instanceof Response) return lost;
      throw lost;
    }
    return carrying(kept, sent ? await answersOf(sent) : {});
  }
}

async function answersOf(request) {
  const form = await request.formData();
  return Object.fromEntries([...form].filter(([, value]) => typeof value === "string"));
}

async function carrying(kept, answers) {
  const written = JSON.stringify(answers).replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
  const text = (await kept.text()).replace('data-carried=""', () => `data-carried="${written}"`);
  return new Response(text, { headers: kept.headers });
}
