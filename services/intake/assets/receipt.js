"use strict";
// The receipt's own conveniences: its words from behind the address's #, which no server is ever sent, and the printer.

const field = document.getElementById("words");
const given = decodeURIComponent(location.hash.slice(1)).replaceAll("-", " ");
if (field && /^([a-z]{5} ?){7}$/.test(given)) {
  history.replaceState(null, "", location.pathname + location.search);
  field.value = given;
  field.form.querySelector("button").focus();
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
