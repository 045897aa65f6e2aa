"use strict";
// A report that can't be sent now: its writer may let it wait on this device. It is sent once, by its own key, as soon
// as there is a connection, and nothing of it stays. Nothing is kept unless the page has said so and a button was pressed.

const WAITING = "doorstep-report";
const PUT_ASIDE = "doorstep-form";
const CARRIED = "doorstep-carried";
const WHOLE = "/report/whole";
const AGAIN_MS = 15_000;
const ASKING_MS = 8_000;
const SENDING_MS = 60_000;

const shown = document.querySelector("[data-kept]");
const whole = document.getElementById("whole");
let sending = false;

function waiting() {
  try {
    return JSON.parse(localStorage.getItem(WAITING));
  } catch {
    return null;
  }
}

function forget() {
  localStorage.removeItem(WAITING);
  if (whole) history.replaceState(null, "");
  tell();
}

function tell(state = "waiting") {
  const report = waiting();
  if (shown) {
    shown.hidden = !report;
    for (const line of shown.querySelectorAll("[data-while]")) line.hidden = line.dataset.while !== state;
  }
  if (whole) whole.hidden = Boolean(report);
}

function patience(milliseconds) {
  return AbortSignal.timeout ? AbortSignal.timeout(milliseconds) : undefined;
}

async function send() {
  const report = waiting();
  if (!report || sending) return;
  sending = true;
  tell("sending");
  let answer = null;
  try {
    const body = new URLSearchParams(report.answers);
    answer = await fetch(report.address, { method: "POST", body, redirect: "manual", signal: patience(SENDING_MS) });
  } catch {
    // Whether it arrived is not known: it is sent again, under the same key.
  }
  sending = false;
  if (answer && answer.type === "opaqueredirect") {
    forget();
    location.replace("/case/sent");
  } else if (answer && answer.status < 500 && answer.status !== 408 && answer.status !== 429) {
    hand(report);
  } else {
    tell();
  }
}

// The form itself says what is to be mended: from here on it travels from page to page again.
function hand({ address, answers }) {
  const form = document.createElement("form");
  form.method = "post";
  form.action = address;
  for (const [name, value] of Object.entries(answers)) form.append(hidden(name, value));
  document.body.append(form);
  forget();
  form.submit();
}

function hidden(name, value) {
  const input = document.createElement("input");
  input.type = "hidden";
  input.name = name;
  input.value = value;
  return input;
}

// --- from a page of the form to the form on one page, when no page can follow

let asking = false;

async function reachable() {
  if (!navigator.onLine) return false;
  try {
    return (await fetch("/worker.js", { method: "HEAD", cache: "no-store", signal: patience(ASKING_MS) })).ok;
  } catch {
    return false;
  }
}

async function askFirst(event) {
  const form = event.target;
  const button = event.submitter;
  if (form.dataset.asked) return;
  event.preventDefault();
  if (asking) return;
  asking = true;
  const lost = !(await reachable()) && (await caches.match(WHOLE).catch(() => null));
  asking = false;
  if (lost && carry(form, button)) return;
  form.dataset.asked = "yes";
  form.requestSubmit(button);
  delete form.dataset.asked;
}

// In this tab alone, and only as far as the next page, which takes it out at once.
function carry(form, button) {
  const answers = Object.fromEntries([...new FormData(form)].filter(([, value]) => typeof value === "string"));
  if (button?.name) answers[button.name] = button.value;
  try {
    sessionStorage.setItem(CARRIED, JSON.stringify(answers));
  } catch {
    return false;
  }
  location.assign(WHOLE);
  return true;
}

// The entry of the browser's history holds them, as it would those of a form that was sent: opened anew, they are there.
function carried() {
  const answers = JSON.parse(sessionStorage.getItem(CARRIED)) || history.state || {};
  sessionStorage.removeItem(CARRIED);
  history.replaceState(answers, "");
  return answers;
}

if ("serviceWorker" in navigator && "caches" in self && HTMLFormElement.prototype.requestSubmit) {
  for (const form of document.querySelectorAll('form[action="/report"]')) form.addEventListener("submit", askFirst);
}

// --- the form on one page

function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}

function fillIn(answers) {
  const passed = new Set(["go", "at", "lang", "find", "within", "remove", "kind", "category"]);
  whole.elements.key.value = answers.key || newKey();
  check("kind", answers.kind);
  fitCategories();
  if (answers.category) whole.elements.category.value = answers.category;
  for (const [name, value] of Object.entries(answers)) {
    const field = whole.elements[name];
    if (passed.has(name) || !value) continue;
    if (!field) whole.append(hidden(name, value));
    else if (name === "community") choose(field, value);
    else if (name === "spot") attach(field, value);
    else if (name === "reach" || field.type === "checkbox") check(name, value);
    else field.value = value;
  }
  if (answers.reach && !answers.notify) whole.elements.notify.checked = false;
}

function check(name, value) {
  const field = value && whole.querySelector(`[name="${name}"][value="${CSS.escape(value)}"]`);
  if (field) field.checked = true;
}

function choose(field, value) {
  if (![...field.options].some((option) => option.value === value)) field.append(new Option(field.dataset.before, value));
  field.value = value;
}

function attach(field, value) {
  field.value = value;
  field.checked = true;
  field.closest("label").hidden = false;
  field.closest("[data-here]").hidden = false;
}

function fitCategories() {
  const kind = whole.querySelector("[name=kind]:checked")?.value;
  const category = whole.elements.category;
  for (const group of category.querySelectorAll("optgroup")) {
    group.hidden = group.disabled = Boolean(kind) && group.dataset.kind !== kind;
  }
  if (category.selectedOptions[0]?.parentElement.disabled) category.value = "";
}

function keep(event) {
  event.preventDefault();
  const answers = Object.fromEntries([...new FormData(whole)].filter(([, value]) => typeof value === "string"));
  const report = { address: whole.getAttribute("action"), answers: { ...answers, go: "send" } };
  try {
    localStorage.setItem(WAITING, JSON.stringify(report));
  } catch {
    whole.querySelector("[data-full]").hidden = false;
    return;
  }
  tell();
  scrollTo(0, 0);
  shown.querySelector("[data-send]").focus();
  send();
}

if (whole) {
  fillIn(carried());
  whole.addEventListener("change", fitCategories);
  whole.addEventListener("submit", keep);
}

// --- what waits

if (shown) {
  shown.querySelector("[data-send]").addEventListener("click", send);
  shown.querySelector("[data-discard]").addEventListener("click", forget);
  addEventListener("online", send);
  addEventListener("storage", () => tell());
  document.addEventListener("visibilitychange", () => document.hidden || send());
  setInterval(send, AGAIN_MS);
  tell();
  send();
}

// --- put aside what is needed without a connection, in the language of this page

async function putAside() {
  const language = document.documentElement.lang;
  if (sessionStorage.getItem(PUT_ASIDE) === language) return;
  const answer = await fetch(`${WHOLE}?lang=${language}`, { credentials: "omit" });
  if (!answer.ok) return;
  const text = await answer.clone().text();
  const assets = [...text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map((found) => found[1]);
  const cache = await caches.open(PUT_ASIDE);
  const old = (await cache.keys()).filter((request) => !assets.includes(new URL(request.url).pathname));
  await cache.addAll(assets);
  await cache.put(WHOLE, answer);
  await Promise.all(old.filter((request) => new URL(request.url).pathname !== WHOLE).map((one) => cache.delete(one)));
  sessionStorage.setItem(PUT_ASIDE, language);
}

if ("serviceWorker" in navigator && "caches" in self) {
  addEventListener("load", () => {
    navigator.serviceWorker.register("/worker.js").then(putAside).catch(() => {});
  });
}
