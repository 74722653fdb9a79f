// Plays the finished frames of a job: in order, at any pace, from thumbnails or from the full pictures. Frames are
// fetched ahead of what is shown; one that is not there yet holds the picture before it.

const AHEAD = 48;
const RATES = [6, 12, 24, 25, 30, 60];

export async function open(dialog, job, canWhole) {
  dialog.innerHTML = `<div class="player-screen"><canvas aria-label="Picture"></canvas></div>
<div class="player-bar"><button type="button" data-do="play" aria-label="Play or pause">Pause</button>
<input type="range" min="0" value="0" aria-label="Frame"><output class="num"></output>
<label>fps <select data-do="rate">${RATES.map((rate) => `<option${rate === 24 ? " selected" : ""}>${rate}</option>`).join("")}</select></label>
${canWhole ? '<label class="check"><input type="checkbox" data-do="whole">full size</label>' : ""}
<label class="check"><input type="checkbox" data-do="loop" checked>loop</label>
<button type="button" data-do="close">Close</button></div>`;
  dialog.showModal();
  const player = new Player(dialog, job);
  await player.load();
  player.run();
  dialog.addEventListener("close", () => { player.stop(); dialog.replaceChildren(); }, { once: true });
}

class Player {
  #dialog; #job; #frames = []; #at = 0; #since = 0; #playing = true; #over = false;
  #pictures = new Map();

  constructor(dialog, job) {
    this.#dialog = dialog;
    this.#job = job;
    dialog.onclick = ({ target }) => {
      const what = target.closest("button")?.dataset.do;
      if (what === "play") this.toggle();
      if (what === "close") dialog.close();
    };
    this.#part("range").oninput = ({ target }) => { this.#playing = false; this.show(Number(target.value)); this.#tell(); };
    dialog.onchange = ({ target }) => { if (target.dataset.do === "whole") { this.#pictures.clear(); this.show(this.#at); } };
    dialog.onkeydown = (event) => this.#key(event);
  }

  #part(name) {
    const parts = { range: "input[type=range]", output: "output", canvas: "canvas", play: '[data-do="play"]', rate: '[data-do="rate"]', whole: '[data-do="whole"]', loop: '[data-do="loop"]' };
    return this.#dialog.querySelector(parts[name]);
  }

  async load() {
    let after = "";
    do {
      const answer = await fetch(`/api/v1/jobs/${this.#job}/frames?state=done&limit=1000${after}`);
      if (!answer.ok) break;
      const page = await answer.json();
      for (const { frame, output } of page.frames) if (output?.has_thumbnail) this.#frames.push({ frame, version: output.blob.slice(0, 12), file: output.file_name });
      after = page.next == null ? null : `&after=${page.next}`;
    } while (after);
    this.#part("range").max = String(Math.max(0, this.#frames.length - 1));
    if (!this.#frames.length) this.#part("output").textContent = "No frame is done yet.";
  }

  run() {
    if (!this.#frames.length) return;
    this.show(0);
    const tick = (now) => {
      if (this.#over) return;
      const rate = Number(this.#part("rate").value);
      if (this.#playing && now - this.#since >= 1_000 / rate) {
        const next = this.#at + 1 < this.#frames.length ? this.#at + 1 : this.#part("loop").checked ? 0 : -1;
        if (next < 0) { this.#playing = false; this.#tell(); }
        else if (this.#picture(next).complete) { this.#since = Math.max(this.#since + 1_000 / rate, now - 1_000 / rate); this.show(next); }
      }
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  #address({ frame, version }) {
    const what = this.#part("whole")?.checked ? `output?v=${version}` : `thumbnail?v=${version}`;
    return `/api/v1/jobs/${this.#job}/frames/${frame}/${what}`;
  }

  // The picture of a place, and those behind it on their way.
  #picture(at) {
    for (let ahead = 0; ahead < AHEAD; ahead++) {
      const place = (at + ahead) % this.#frames.length;
      if (this.#pictures.has(place)) continue;
      const picture = new Image();
      picture.src = this.#address(this.#frames[place]);
      this.#pictures.set(place, picture);
    }
    for (const place of this.#pictures.keys()) {
      if (this.#pictures.size <= AHEAD * 4) break;
      if (place !== at) this.#pictures.delete(place);
    }
    return this.#pictures.get(at);
  }

  show(at) {
    this.#at = at;
    const picture = this.#picture(at);
    const draw = () => {
      if (this.#at !== at || !picture.naturalWidth) return;
      const canvas = this.#part("canvas");
      if (canvas.width !== picture.naturalWidth || canvas.height !== picture.naturalHeight) {
        canvas.width = picture.naturalWidth;
        canvas.height = picture.naturalHeight;
      }
      const context = canvas.getContext("2d");
      context.clearRect(0, 0, canvas.width, canvas.height);
      context.drawImage(picture, 0, 0);
    };
    if (picture.complete) draw(); else picture.addEventListener("load", draw, { once: true });
    this.#part("range").value = String(at);
    this.#part("output").textContent = `frame ${this.#frames[at].frame} · ${at + 1} of ${this.#frames.length}`;
  }

  toggle() {
    this.#playing = !this.#playing;
    this.#since = performance.now();
    if (this.#playing && this.#at === this.#frames.length - 1) this.show(0);
    this.#tell();
  }

  #tell() { this.#part("play").textContent = this.#playing ? "Pause" : "Play"; }

  #key(event) {
    const last = this.#frames.length - 1;
    const to = { ArrowLeft: this.#at - 1, ArrowRight: this.#at + 1, Home: 0, End: last }[event.key];
    if (event.key === " " && !event.target.matches("button, select, input[type=checkbox]")) { event.preventDefault(); this.toggle(); }
    if (to === undefined || event.target.matches("select") || last < 0) return;
    event.preventDefault();
    this.#playing = false;
    this.show(Math.min(last, Math.max(0, to)));
    this.#tell();
  }

  stop() { this.#over = true; this.#pictures.clear(); }
}
