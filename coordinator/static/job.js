// A job's page: frames open in a dialog, many are selected at once, finished ones are played, two pictures of a
// frame are compared. Without this script frames are pages, and boxes are checked one by one.

const frames = document.getElementById("frames");
const dialog = document.getElementById("frame-dialog");
const selection = document.getElementById("selection");

// ── A frame in a dialog ─────────────────────────────────────────────────────────────────────────────

async function show(address) {
  const answer = await fetch(address, { headers: { accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const frame = page.getElementById("frame");
  if (!answer.ok || !frame) return location.assign(address);
  const close = Object.assign(document.createElement("button"), { type: "button", className: "quiet dialog-close", textContent: "Close" });
  close.addEventListener("click", () => dialog.close());
  frame.querySelector(".head").append(close);
  dialog.replaceChildren(frame);
  dialog.setAttribute("aria-label", `Frame ${frame.dataset.frame}`);
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  compare(dialog);
}

const isPlain = (event) => event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;

document.addEventListener("click", (event) => {
  if (!dialog || !isPlain(event)) return;
  const link = event.target.closest("a[data-frame], #frame-dialog a[rel], .machines a");
  if (link) { event.preventDefault(); show(link.href); }
});

dialog?.addEventListener("keydown", (event) => {
  const rel = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
  if (!rel || event.target.matches("textarea, input")) return;
  const link = dialog.querySelector(`a[rel="${rel}"]`);
  if (link) { event.preventDefault(); show(link.href); }
});
dialog?.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
dialog?.addEventListener("close", () => {
  const cell = document.getElementById(`f${dialog.querySelector("#frame")?.dataset.frame}`);
  cell?.querySelector("a")?.focus();
  dialog.replaceChildren();
});

// ── Selecting ───────────────────────────────────────────────────────────────────────────────────────

const boxes = () => [...selection.querySelectorAll('.cell input[name="frames"]')];
let latest;

function count() {
  const checked = boxes().filter((box) => box.checked).length;
  const words = document.getElementById("selected-count");
  words.textContent = checked ? `${checked} selected` : "None selected";
  for (const button of selection.querySelectorAll('.selection-bar button[name="what"]')) button.disabled = checked === 0;
  selection.querySelector('[data-select="none"]').hidden = checked === 0;
  selection.querySelector('[data-select="failed"]').hidden = !selection.querySelector(".cell.failed");
  const sendBack = document.getElementById("ask-send-back");
  sendBack.toggleAttribute("inert", checked === 0);
  if (checked === 0) sendBack.open = false;
}

if (selection) {
  selection.addEventListener("click", (event) => {
    const box = event.target.closest('.cell input[name="frames"]');
    if (!box) return;
    const all = boxes();
    // Held down, the shift key takes all between this one and the one before.
    if (event.shiftKey && latest && all.includes(latest)) {
      const [from, to] = [all.indexOf(latest), all.indexOf(box)].sort((a, b) => a - b);
      for (const one of all.slice(from, to + 1)) one.checked = box.checked;
    }
    latest = box;
    count();
  });
  selection.addEventListener("click", ({ target }) => {
    const which = target.closest("[data-select]")?.dataset.select;
    if (!which) return;
    for (const box of boxes()) box.checked = which === "all" || (which === "failed" && box.closest(".cell").classList.contains("failed"));
    count();
  });
  selection.addEventListener("part", count);
  // What can be played may have come while one looks.
  selection.addEventListener("part", () => {
    document.getElementById("play").hidden &&= !selection.querySelector(".cell.done");
  });
  // A download leaves the page where it is, and another one may follow.
  selection.addEventListener("submit", (event) => {
    if (event.submitter?.value === "download") setTimeout(() => { delete selection.dataset.sent; }, 1_000);
  });
  addEventListener("pageshow", count);
  count();
}

// ── Playing ─────────────────────────────────────────────────────────────────────────────────────────

document.getElementById("play")?.addEventListener("click", async () => {
  const player = document.getElementById("player");
  const { open } = await import("./player.js");
  await open(player, frames.dataset.job, frames.dataset.whole === "yes");
});

// ── Before and after ────────────────────────────────────────────────────────────────────────────────

function compare(within) {
  for (const figure of within.querySelectorAll("[data-compare]:not(.sliding)")) {
    const [, after] = figure.querySelectorAll("img");
    const slider = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 100, value: 50 });
    slider.setAttribute("aria-label", "How much of the earlier picture is seen");
    const cut = () => after.style.setProperty("clip-path", `inset(0 0 0 ${slider.value}%)`);
    slider.addEventListener("input", cut);
    figure.classList.add("sliding");
    figure.querySelector(".compare-pictures").after(slider);
    cut();
  }
}
compare(document);
