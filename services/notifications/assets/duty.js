"use strict";
// The live half of /duty. Without it the page still tells who is on duty, and its forms still work.

const duty = document.getElementById("duty");
const say = duty.dataset;
const live = document.getElementById("live");
const liveSaid = document.getElementById("live-said");
const liveLast = document.getElementById("live-last");
const signIn = document.getElementById("sign-in");
const sound = document.getElementById("sound");
const title = document.title;

const SILENT_MS = 25_000; // heartbeats come every 15 seconds
const RING_AGAIN_MS = 30_000;
const FRESHEN_MS = 60_000;
const NOTE_STAYS_MS = 8_000;

let source = null;
let last = Number(document.getElementById("waiting").dataset.upto);
let heard = 0;
let liveSince = null;
let retry = 1_000;
let coming = false; // back, after a while
let ended = false; // the sign-in, and with it all asking
let audio = null;

// By the same clock as the times that the server wrote.
const times = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: say.zone });
const clock = (at) => times.format(at);

// --- live or not ---

function showLive() {
  heard = Date.now();
  if (liveSince === null) {
    liveSince = new Date();
    liveSaid.textContent = say.live.replace("{time}", clock(liveSince));
    live.className = "live on";
  }
  liveLast.textContent = "· " + say.last.replace("{time}", clock(new Date()));
}

function showLost(text) {
  if (live.classList.contains("lost") && !text) return;
  liveSaid.textContent = text || say.lost.replace("{time}", clock(heard ? new Date(heard) : new Date()));
  liveLast.textContent = "";
  live.className = "live lost";
  liveSince = null;
}

// A browser holds six connections to a host, of all its pages: each page has one stream, and closes it for the next.
function connect() {
  source?.close();
  const stream = new EventSource("/duty/events?" + new URLSearchParams({ area: say.area, after: last }));
  const on = (name, act) =>
    stream.addEventListener(name, (message) => {
      if (stream !== source) return;
      last = Number(message.lastEventId) || last;
      showLive();
      act(JSON.parse(message.data));
    });
  source = stream;
  heard = heard || Date.now();
  on("alive", () => (retry = 1_000));
  on("anew", freshen);
  on("card", (told) => putCard(told));
  on("ended", (told) => endCard(told.case, told.note));
  on("duty", (told) => freshenDesk(told.position));
  stream.onerror = () => {
    if (stream !== source) return;
    showLost();
    if (stream.readyState === EventSource.CLOSED) comeBack();
  };
}

async function comeBack() {
  source.close();
  if (coming) return;
  coming = true;
  await new Promise((done) => setTimeout(done, retry));
  retry = Math.min(retry * 2, 15_000);
  // A stream that is refused does not say why.
  await ask("/duty/desk?" + new URLSearchParams({ area: say.area })).catch(() => null);
  coming = false;
  if (!ended) connect();
}

const watch = setInterval(() => {
  if (Date.now() - heard > SILENT_MS) {
    showLost();
    heard = Date.now();
    comeBack();
  }
}, 5_000);

async function ask(address, how = {}) {
  const answer = await fetch(address, { redirect: "manual", signal: AbortSignal.timeout(SILENT_MS), ...how });
  // Nothing here leads anywhere but to sign-in, which may lie at another host.
  if (answer.type === "opaqueredirect") endSignIn();
  return answer;
}

function endSignIn() {
  ended = true;
  source.close();
  clearInterval(watch);
  showLost(say.signedOut);
  signIn.hidden = false;
}

// --- parts of the page, as the server writes them ---

async function part(path, position) {
  const headers = position ? { "Doorstep-Position": position } : {};
  const answer = await ask(path + "?" + new URLSearchParams({ area: say.area }), { headers });
  if (!answer.ok) return null;
  const fresh = fragment(await answer.text());
  fresh.behind = answer.headers.has("Doorstep-Behind");
  return fresh;
}

const fragment = (html) => {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  return template.content.firstElementChild;
};

async function freshen() {
  const before = last;
  const fresh = await part("/duty/waiting").catch(() => null);
  // A list that lags behind what we were told by itself would take cards away again.
  if (!fresh || Number(fresh.dataset.upto) < last || before !== last) return;
  const waiting = document.getElementById("waiting");
  if (!waiting.contains(document.activeElement) && !waiting.querySelector(".gone")) {
    waiting.replaceWith(fresh);
    count();
  }
}

async function freshenDesk(position, tries = 10) {
  const fresh = await part("/duty/desk", position).catch(() => null);
  const desk = document.getElementById("desk");
  if (fresh && !(desk.contains(document.activeElement) && document.activeElement.closest("form.take"))) {
    desk.replaceWith(fresh);
  }
  // The reading waited for a second; what it then lacks comes a little later.
  if (fresh?.behind && tries > 0) setTimeout(() => freshenDesk(position, tries - 1), 500);
}

// --- cards ---

const rank = (card) => ("urgent" in card.dataset ? "0" : "1") + (card.dataset.by || "9");

function putCard(told) {
  const card = fragment(told.html);
  document.getElementById(card.id)?.remove();
  const cards = document.getElementById("cards");
  const behind = [...cards.children].find((other) => rank(other) > rank(card));
  cards.insertBefore(card, behind || null);
  count();
  // One that is told of again and over in the same breath, as after a pause, is not rung for.
  setTimeout(() => card.isConnected && !card.classList.contains("gone") && ring(card), 200);
}

function endCard(id, note) {
  const card = document.getElementById("case-" + id);
  if (!card || card.classList.contains("gone")) return;
  card.classList.add("gone");
  const form = card.querySelector("form");
  const said = document.createElement("p");
  said.className = "note";
  said.setAttribute("role", "status");
  said.textContent = note;
  if (form) form.replaceWith(said);
  else card.firstElementChild.append(said);
  count();
  setTimeout(() => {
    card.remove();
    count();
  }, NOTE_STAYS_MS);
}

function count() {
  const all = document.querySelectorAll("#cards > .card");
  const waiting = document.querySelectorAll("#cards > .card:not(.gone)").length;
  document.getElementById("none").hidden = all.length > 0;
  document.title = waiting ? `(${waiting}) ${title}` : title;
}

// --- forms, in place ---

duty.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.dataset.inPlace) return;
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  const body = new URLSearchParams(new FormData(form));
  const headers = { "Doorstep-Scripted": "1" };
  const answer = await ask(form.action, { method: "POST", body, headers }).catch(() => null);
  button.disabled = false;
  if (ended) return;
  if (answer?.status === 204) {
    if (form.dataset.inPlace === "card") endCard(form.closest(".card").id.slice("case-".length), say.yours);
    else {
      document.activeElement.blur();
      freshenDesk(answer.headers.get("Doorstep-Position"));
    }
  } else {
    complain(form, answer?.status === 409 ? await answer.text() : say.unsent);
  }
});

function complain(form, why) {
  form.parentElement.querySelector(".note.wrong")?.remove();
  const said = document.createElement("p");
  said.className = "note wrong";
  said.setAttribute("role", "alert");
  said.textContent = why;
  form.after(said);
}

// --- sound that can be felt ---

sound.hidden = false;
sound.addEventListener("click", () => {
  if (audio) {
    audio.close();
    audio = null;
  } else {
    audio = new AudioContext();
    beep();
  }
  sound.setAttribute("aria-pressed", String(audio !== null));
  sound.textContent = audio ? say.soundOn : say.soundOff;
});

function beep() {
  if (!audio) return;
  [0, 0.25, 0.5].forEach((after, nth) => {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    const at = audio.currentTime + after;
    tone.frequency.value = nth === 2 ? 1175 : 880;
    volume.gain.setValueAtTime(0.0001, at);
    volume.gain.exponentialRampToValueAtTime(0.4, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.2);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.22);
  });
}

function ring(card) {
  if (!("urgent" in card.dataset) || !("mine" in card.dataset)) return;
  document.getElementById("loud").textContent = card.querySelector("h3").textContent;
  beep();
  if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.([300, 100, 300, 100, 600]);
}

setInterval(() => {
  const card = document.querySelector("#cards > .card[data-urgent][data-mine]:not(.gone)");
  if (card) ring(card);
}, RING_AGAIN_MS);
setInterval(() => liveSince && freshen(), FRESHEN_MS);

count();
connect();
