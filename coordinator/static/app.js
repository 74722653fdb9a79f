// What every page has: parts that change while one looks, times that stay right, buttons that copy.
// Pages work without it.

const root = document.documentElement;

// ── Live parts ──────────────────────────────────────────────────────────────────────────────────────
// <main data-live="/…/live">: a stream of server-sent events. `part` is the HTML of elements with ids, which
// take the place of those in the page; `over` ends it; `reload` says that the page is of another version.

let stream;

export function listen(address) {
  stream?.close();
  stream = new EventSource(address);
  stream.addEventListener("part", (event) => replace(event.data));
  stream.addEventListener("over", () => { stream.close(); isLost(false); });
  stream.addEventListener("open", () => isLost(false));
  stream.addEventListener("error", () => isLost(true));
}

// A coordinator that starts anew is back in a moment: only what lasts is said.
const PATIENCE_MS = 4_000;
let losing;

function isLost(is) {
  const words = document.getElementById("lost");
  if (!words) return;
  if (!is) {
    clearTimeout(losing);
    losing = undefined;
    words.hidden = true;
  } else {
    losing ??= setTimeout(() => { words.hidden = false; }, PATIENCE_MS);
  }
}

// A browser has six connections to a host: tabs that nobody sees give theirs back.
function watch() {
  const address = document.querySelector("[data-live]")?.dataset.live;
  if (!address) return;
  if (document.hidden) {
    stream?.close();
  } else {
    listen(address);
  }
}

export function replace(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  for (const fresh of [...template.content.children]) {
    const old = document.getElementById(fresh.id);
    if (!old || old.isEqualNode(fresh) || isInUse(old)) continue;
    keepOpen(old, fresh);
    old.replaceWith(fresh);
    fresh.dispatchEvent(new CustomEvent("part", { bubbles: true }));
  }
  refreshTimes();
}

// Nothing is taken away under somebody's hands.
const isInUse = (part) =>
  part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");

function keepOpen(old, fresh) {
  for (const details of old.querySelectorAll("details[open][id]")) {
    const again = fresh.querySelector(`#${CSS.escape(details.id)}`);
    if (again) again.open = true;
  }
  for (const box of old.querySelectorAll("input[type=checkbox][id]:checked")) {
    const again = fresh.querySelector(`#${CSS.escape(box.id)}`);
    if (again) again.checked = true;
  }
}

// ── Times ───────────────────────────────────────────────────────────────────────────────────────────

// A unit, its seconds, and from how many seconds on it is used.
const STEPS = [["year", 31536000, 31536000], ["month", 2592000, 7776000], ["day", 86400, 86400], ["hour", 3600, 3600], ["minute", 60, 60]];
const words = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "short" });

export function relative(ms, now = Date.now()) {
  const seconds = Math.round((ms - now) / 1000);
  for (const [unit, size, least] of STEPS) {
    if (Math.abs(seconds) >= least) return words.format(Math.trunc(seconds / size), unit);
  }
  return Math.abs(seconds) < 10 ? "just now" : words.format(seconds, "second");
}

function refreshTimes() {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    const text = relative(Date.parse(time.dateTime));
    if (time.textContent !== text) time.textContent = text;
  }
}

// ── Clicks ──────────────────────────────────────────────────────────────────────────────────────────

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const source = document.getElementById(copy.dataset.copy);
    await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
    const label = copy.textContent;
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = label; }, 1500);
  }
  // A question that was not answered closes when one clicks elsewhere.
  for (const ask of document.querySelectorAll("details.ask[open]")) {
    if (!ask.contains(event.target)) ask.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const ask of document.querySelectorAll("details.ask[open]")) ask.open = false;
});

// What is sent twice by an impatient hand is sent once.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) return event.preventDefault();
  if (form.method === "post") form.dataset.sent = "yes";
});
// The page may come back from the browser's memory, with what it was.
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// Fields that act when they change, such as filters; their form has a button for browsers without scripts.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-send]")) event.target.form.requestSubmit();
});

root.classList.add("scripted");
refreshTimes();
setInterval(refreshTimes, 20_000);
watch();
document.addEventListener("visibilitychange", watch);
window.addEventListener("pagehide", () => stream?.close());
