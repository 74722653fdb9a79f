// The pages of one worker: what downloads and forms do better with a script. All of it works without.

import { relative } from "./app.js";

// A download leaves the page as it is. A second one makes another secret, so an impatient hand is held back.
for (const form of document.querySelectorAll("form[data-download]")) {
  form.addEventListener("submit", () => {
    form.closest("details.ask")?.removeAttribute("open");
    setTimeout(() => { delete form.dataset.sent; }, 5_000);
    const told = document.getElementById("downloaded");
    if (told) {
      const at = Date.now();
      told.textContent = `worker-config.json was made ${relative(at)}. Only this one works now: a file from before does not.`;
    }
  });
}

// Hours that were never set begin with the clock of whoever sets them.
const week = document.querySelector("form#schedule[data-new]");
if (week) {
  const minutes = String(-new Date().getTimezoneOffset());
  const offset = week.elements.namedItem("offset");
  if ([...offset.options].some((option) => option.value === minutes)) offset.value = minutes;
}
