"use strict";
// Conveniences on the way to a place: a list that narrows as one types, a map whose numbers choose, the community that
// is nearest, and where the phone is now. Each page works without them.

const filter = document.querySelector("[data-filter]");
if (filter) {
  const list = document.getElementById(filter.dataset.filter);
  filter.addEventListener("input", () => {
    const words = filter.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    let heading = null;
    let under = "";
    let some = false;
    for (const row of list.querySelectorAll("h2, label")) {
      if (row.matches("h2")) {
        if (heading) heading.hidden = !some;
        [heading, under, some] = [row, row.textContent.toLocaleLowerCase(), false];
      } else {
        const told = `${row.textContent.toLocaleLowerCase()} ${under}`;
        row.hidden = !words.every((word) => told.includes(word));
        some ||= !row.hidden;
      }
    }
    if (heading) heading.hidden = !some;
  });
}

function choose(community) {
  const radio = document.getElementById(`c-${community}`);
  radio.checked = true;
  radio.closest("label").hidden = false;
  radio.focus();
  radio.scrollIntoView({ block: "center" });
}

for (const pin of document.querySelectorAll("[data-pin]")) {
  pin.addEventListener("click", (event) => {
    event.preventDefault();
    choose(pin.dataset.pin);
  });
}

function whereIAm(parent, found) {
  const unknown = parent.querySelector("[data-unknown]");
  navigator.geolocation.getCurrentPosition(
    (position) => {
      unknown.hidden = true;
      found(position.coords);
    },
    () => {
      unknown.hidden = false;
    },
    { enableHighAccuracy: true, timeout: 20_000, maximumAge: 60_000 },
  );
}

const nearest = document.querySelector("[data-nearest]");
if (nearest && "geolocation" in navigator) {
  nearest.hidden = false;
  nearest.querySelector("button").addEventListener("click", () =>
    whereIAm(nearest, ({ latitude, longitude }) => {
      const narrower = Math.cos((latitude * Math.PI) / 180);
      const away = (radio) => {
        const [north, east] = radio.dataset.spot.split(",").map(Number);
        return Math.hypot(north - latitude, (east - longitude) * narrower);
      };
      const radios = [...document.querySelectorAll("[data-spot]")];
      choose(radios.reduce((one, other) => (away(other) < away(one) ? other : one)).value);
    }),
  );
}

const here = document.querySelector("[data-here]");
if (here && "geolocation" in navigator) {
  const button = here.querySelector("button");
  const tick = here.querySelector("[name=spot]");
  here.hidden = button.hidden = false;
  button.addEventListener("click", () =>
    whereIAm(here, ({ latitude, longitude, accuracy }) => {
      tick.value = `geo:${latitude.toFixed(5)},${longitude.toFixed(5)};u=${Math.min(Math.ceil(accuracy), 999_999)}`;
      tick.checked = true;
      tick.closest("label").hidden = false;
    }),
  );
}
