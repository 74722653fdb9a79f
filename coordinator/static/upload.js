// Sends a scene: looks at its first bytes, hashes it in a worker, sends what the coordinator does not have, and
// makes a scene of it. Whatever breaks off goes on where it was: the coordinator says how many bytes it holds, and
// the same file has the same name after a reload and on another day.

const HASHED = "pictor.hashed";
const TRIES_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000];

const form = document.getElementById("upload");
const input = document.getElementById("file");
const part = (name) => form.querySelector(`[data-part="${name}"]`);
const show = (name) => { form.dataset.step = name; };
const say = (name, text) => { part(name).textContent = text; };

// What is under way: `stop` ends it, `go` lets it go on.
let sending;

form.addEventListener("submit", (event) => event.preventDefault());
input.addEventListener("change", () => input.files[0] && begin(input.files[0]));
for (const name of ["dragenter", "dragover"]) {
  form.addEventListener(name, (event) => { event.preventDefault(); form.classList.add("over"); });
}
for (const name of ["dragleave", "drop"]) {
  form.addEventListener(name, () => form.classList.remove("over"));
}
form.addEventListener("drop", (event) => {
  event.preventDefault();
  const files = event.dataTransfer.files;
  if (files.length > 1) return refuse("Send one file. A scene with assets travels as one .zip: the .blend and what it needs, in their folders.");
  if (files[0]) begin(files[0]);
});
// A file that misses the field is not opened in place of the page.
for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault());
part("pause").addEventListener("click", () => (sending.paused ? go(sending) : pause(sending)));
part("cancel").addEventListener("click", () => { stop(sending); reset(); });
part("again").addEventListener("click", reset);
addEventListener("beforeunload", (event) => { if (sending && form.dataset.step === "sending") event.preventDefault(); });
addEventListener("online", () => sending?.wake?.());

function reset() {
  sending = undefined;
  form.reset();
  show("choose");
  remind();
}

function refuse(why) {
  if (sending) stop(sending);
  sending = undefined;
  say("why", why);
  show("refused");
  part("again").focus();
}

async function begin(file) {
  if (sending) return;
  const wrong = await whyNot(file);
  if (wrong) return refuse(wrong);
  const job = { file, paused: false, stopped: false };
  sending = job;
  say("name", `${file.name}, ${bytes(file.size)}`);
  show("sending");
  try {
    job.hash = remembered(file) ?? (await hash(job));
    remember(file, job.hash);
    await send(job);
    if (!job.stopped) await takeIn(job);
  } catch (error) {
    if (!job.stopped) refuse(error.message);
  }
}

// ── Is it a scene at all? ───────────────────────────────────────────────────────────────────────────

const KINDS = [[[0x42, 0x4c, 0x45, 0x4e, 0x44, 0x45, 0x52], "blend"], [[0x28, 0xb5, 0x2f, 0xfd], "blend"], [[0x1f, 0x8b], "blend"], [[0x50, 0x4b], "zip"]];

async function whyNot(file) {
  const most = Number(form.dataset.bytesMax);
  if (file.size === 0) return `${file.name} is empty.`;
  const [has, takes] = apart(file.size, most);
  if (file.size > most) return `${file.name} has ${has}, and at most ${takes} are taken here. Leave out what no frame needs: old versions, renders, unused textures.`;
  let head;
  try {
    head = new Uint8Array(await file.slice(0, 8).arrayBuffer());
  } catch {
    return `${file.name} cannot be read. If it is a folder, make a .zip of it.`;
  }
  const kind = KINDS.find(([magic]) => magic.every((byte, at) => head[at] === byte));
  if (kind) return null;
  return /\.(blend\d*|zip)$/i.test(file.name)
    ? `${file.name} does not begin like a .blend or a .zip: it may be damaged, or not saved to its end.`
    : `${file.name} is no .blend and no .zip. Save your scene from Blender as a .blend, or make a .zip of the .blend and its assets.`;
}

// ── Its name ────────────────────────────────────────────────────────────────────────────────────────

function hash(job) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./hash.js", import.meta.url), { type: "module" });
    const pace = new Pace();
    const end = (then, value) => { worker.terminate(); then(value); };
    job.cancel = () => end(reject, new Error("cancelled"));
    worker.addEventListener("error", () => end(reject, new Error("The file cannot be read by this browser.")));
    worker.addEventListener("message", ({ data }) => {
      if (data.hash) return end(resolve, data.hash);
      if (data.error) return end(reject, new Error(`The file cannot be read: ${data.error}`));
      tell("Reading the file", data.read, job.file.size, pace.at(data.read, job.file.size), 0, 0.1);
    });
    part("pause").disabled = true;
    worker.postMessage(job.file);
  }).finally(() => { part("pause").disabled = false; job.cancel = undefined; });
}

const identity = (file) => `${file.name}|${file.size}|${file.lastModified}`;
const stored = () => { try { return JSON.parse(localStorage.getItem(HASHED)) ?? null; } catch { return null; } };
const remembered = (file) => { const last = stored(); return last?.file === identity(file) ? last.hash : undefined; };

function remember(file, hash) {
  try { localStorage.setItem(HASHED, JSON.stringify({ file: identity(file), name: file.name, hash })); } catch { /* Then it is hashed again. */ }
}

function forget() {
  try { localStorage.removeItem(HASHED); } catch { /* Nothing was kept. */ }
}

async function remind() {
  const last = stored();
  if (!last?.name) return;
  const head = await fetch(address(last.hash), { method: "HEAD" }).catch(() => undefined);
  const have = Number(head?.headers.get("upload-offset") ?? 0);
  if (have > 0 && form.dataset.step === "choose") {
    say("remind", `${bytes(have)} of ${last.name} have arrived. Choose the same file, and it goes on from there.`);
  }
}

// ── Its bytes ───────────────────────────────────────────────────────────────────────────────────────

const address = (hash) => `/api/v1/blobs/${hash}`;

async function send(job) {
  let failed = 0;
  const pace = new Pace();
  while (!job.stopped) {
    try {
      const head = await fetch(address(job.hash), { method: "HEAD" });
      if (head.ok) return;
      if (head.status !== 404) throw await refusal(head);
      const offset = Number(head.headers.get("upload-offset") ?? 0);
      if (offset > job.from) failed = 0;
      job.from = offset;
      await put(job, offset, pace);
      return;
    } catch (error) {
      if (job.stopped) return;
      if (error.isFinal) throw error;
      if (!job.paused) await wait(job, TRIES_MS[Math.min(failed++, TRIES_MS.length - 1)]);
      if (job.paused) await new Promise((resume) => { job.wake = resume; });
      job.wake = undefined;
      pace.restart();
    }
  }
}

// XMLHttpRequest, because fetch does not tell how much of a body has left.
function put(job, offset, pace) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", address(job.hash));
    request.setRequestHeader("upload-offset", String(offset));
    request.setRequestHeader("upload-length", String(job.file.size));
    request.upload.addEventListener("progress", ({ loaded }) => {
      const sent = Math.min(job.file.size, offset + loaded);
      if (sent === job.file.size) return tell("Checking what has arrived", sent, sent, null, 0.1, 1);
      tell("Sending", sent, job.file.size, pace.at(sent, job.file.size), 0.1, 1);
    });
    request.addEventListener("load", async () => {
      if (request.status === 201) return resolve();
      // 202: the coordinator has a part. 409: it holds more or less than it was told.
      if (request.status === 202 || request.status === 409) return reject(new Error("goes on"));
      if (request.status === 422 && request.responseText.includes("hash-mismatch")) forget();
      reject(await refusal({ status: request.status, text: async () => request.responseText }));
    });
    for (const name of ["error", "abort", "timeout"]) request.addEventListener(name, () => reject(new Error("broken off")));
    job.cancel = () => request.abort();
    request.send(job.file.slice(offset));
  }).finally(() => { job.cancel = undefined; });
}

async function wait(job, ms) {
  const until = Date.now() + ms * (0.5 + Math.random() / 2);
  while (!job.stopped && !job.paused && Date.now() < until) {
    const seconds = Math.ceil((until - Date.now()) / 1_000);
    say("progress", navigator.onLine ? `The connection broke off. Trying again in ${seconds} s…` : "You are offline. It goes on when you are back.");
    await new Promise((then) => { job.wake = then; setTimeout(then, 1_000); });
  }
}

function pause(job) {
  job.paused = true;
  part("pause").textContent = "Go on";
  say("progress", `${part("progress").textContent.split(",")[0]}, paused`);
  job.cancel?.();
}

function go(job) {
  job.paused = false;
  part("pause").textContent = "Pause";
  job.wake?.();
}

function stop(job) {
  job.stopped = true;
  job.cancel?.();
  job.wake?.();
  part("pause").textContent = "Pause";
}

// ── A scene of it ───────────────────────────────────────────────────────────────────────────────────

async function takeIn(job) {
  show("reading");
  for (let failed = 0; ; failed++) {
    const answer = await fetch("/api/v1/scenes", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: job.file.name, blob: job.hash }),
    }).catch(() => undefined);
    if (job.stopped) return;
    if (answer?.ok) {
      const scene = await answer.json();
      sending = undefined;
      forget();
      location.assign(`/scenes/${scene.id}/new-job`);
      return;
    }
    if (answer && answer.status < 500) throw await refusal(answer);
    if (failed === TRIES_MS.length) throw new Error("The coordinator does not answer. Your file has arrived; choose it again in a while.");
    await new Promise((then) => setTimeout(then, TRIES_MS[failed]));
  }
}

// What the coordinator says, if it says something that will not change.
async function refusal(answer) {
  let problem = {};
  try { problem = JSON.parse(await answer.text()); } catch { /* Not one of the coordinator's own. */ }
  const error = new Error(problem.detail ?? problem.title ?? `The coordinator answers with ${answer.status}.`);
  if (answer.status === 401) error.message = "You were signed out. Sign in in another tab, then choose the same file again: it goes on where it was.";
  error.isFinal = answer.status >= 400 && answer.status < 500 && ![408, 409, 429].includes(answer.status) || answer.status === 507;
  return error;
}

// ── How far ─────────────────────────────────────────────────────────────────────────────────────────

// Bytes per second over the last ten seconds or so.
class Pace {
  #marks = [];
  restart() { this.#marks = []; }
  at(done, all) {
    const now = performance.now();
    this.#marks.push([now, done]);
    while (this.#marks.length > 2 && now - this.#marks[0][0] > 10_000) this.#marks.shift();
    const [since, then] = this.#marks[0];
    if (now - since < 500) return null;
    const perSecond = ((done - then) / (now - since)) * 1_000;
    return perSecond > 0 ? { perSecond, left: (all - done) / perSecond } : null;
  }
}

let told = 0;
function tell(what, done, all, pace, from, to) {
  const now = performance.now();
  if (done < all && now - told < 150) return;
  told = now;
  if (sending?.paused) return;
  part("bar").value = from + (to - from) * (all ? done / all : 1);
  const words = [`${what}: ${bytes(done)} of ${bytes(all)}`];
  if (pace) words.push(`${bytes(pace.perSecond)}/s`, `${duration(pace.left)} left`);
  say("progress", words.join(", "));
}

function bytes(count, digits = 0) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (count >= 999.5 && unit < units.length - 1) { count /= 1_000; unit++; }
  const least = unit && count < 9.95 ? 1 : 0;
  return `${count.toFixed(unit ? Math.max(least, digits) : 0)} ${units[unit]}`;
}

// Two sizes in words that tell them apart: 11.0 GB and 10.7 GB, not 11 GB both times.
function apart(one, other) {
  let digits = 0;
  while (bytes(one, digits) === bytes(other, digits) && digits < 12) digits++;
  return [bytes(one, digits), bytes(other, digits)];
}

function duration(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

form.hidden = false;
show("choose");
remind();
