// The estimate follows what is typed; without this script there is a button.

import { replace } from "./app.js";

const form = document.getElementById("settings");
let asked = 0;
let timer;

async function look() {
  const mine = ++asked;
  const answer = await fetch(form.dataset.estimate, {
    method: "POST",
    headers: { accept: "text/html" },
    body: new URLSearchParams(new FormData(form)),
  }).catch(() => undefined);
  if (answer?.ok && mine === asked) replace(await answer.text());
}

form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(look, 250);
});
// Another scene of the file has other settings of its own: the page says which.
document.getElementById("scene")?.addEventListener("change", () => document.getElementById("look").click());
