/* Keys for those who work at the desk all day, and a word when an open case has changed. All works without. */
(() => {
  "use strict";
  const rows = () => [...document.querySelectorAll("a.row")];
  const keys = document.getElementById("keys");
  const file = document.querySelector("[data-case]");

  const showKeys = () => {
    if (!keys.open) keys.showModal();
  };
  for (const one of document.querySelectorAll("[data-keys]")) {
    one.hidden = false;
    one.addEventListener("click", showKeys);
  }
  for (const one of document.querySelectorAll(".by-keys")) one.hidden = false;
  for (const one of document.querySelectorAll("[data-copy]")) one.addEventListener("focus", () => one.select());

  const move = (by) => {
    const all = rows();
    if (!all.length) return;
    let at = all.indexOf(document.activeElement);
    if (at < 0) {
      at = all.findIndex((row) => row.getAttribute("aria-current") === "page");
      if (at < 0) at = by > 0 ? -1 : all.length;
    }
    const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  };

  const openAct = (act) => {
    const found = document.querySelector(`[data-act="${act}"]`);
    if (!found) return;
    found.open = true;
    if (window.matchMedia("(max-width: 699px)").matches) location.hash = "actions";
    found.querySelector("select, textarea, input:not([type=hidden]), button").focus();
    found.scrollIntoView({ block: "nearest" });
  };

  const why = () => {
    if (document.activeElement && document.activeElement.matches("a.row")) {
      location.href = `${document.activeElement.href}#promises`;
      return;
    }
    const first = document.querySelector("#promises details");
    if (!first) return;
    first.open = !first.open;
    first.querySelector("summary").focus();
  };
  if (location.hash === "#promises") {
    const first = document.querySelector("#promises details");
    if (first) first.open = true;
  }

  const acts = {
    j: () => move(1),
    k: () => move(-1),
    w: why,
    a: () => openAct("acknowledge"),
    d: () => openAct("dispatch"),
    r: () => openAct("resolve"),
    e: () => openAct("escalate"),
    "/": () => document.getElementById("find").focus(),
    "?": showKeys,
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || !keys || keys.open) return;
    if (event.target.closest("input, select, textarea, [contenteditable]")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  if (!file) return;
  const EVERY = 15000;
  const IDLE = 20 * 60 * 1000; // an open page alone is nobody at work
  let used = Date.now();
  for (const name of ["keydown", "pointerdown", "scroll"]) {
    document.addEventListener(name, () => (used = Date.now()), { passive: true });
  }
  const look = async () => {
    if (document.hidden || Date.now() - used > IDLE) return;
    try {
      const answer = await fetch(`/desk/cases/${file.dataset.case}/version`, { redirect: "manual" });
      if (!answer.ok) return;
      if ((await answer.json()).version === Number(file.dataset.version)) return;
      document.querySelector("[data-changed]").hidden = false;
      clearInterval(looking);
    } catch {
      // away for a moment: the next look tells
    }
  };
  const looking = setInterval(look, EVERY);
  document.addEventListener("visibilitychange", look);
})();
