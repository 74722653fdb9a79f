// BLAKE3 of a stream of bytes: the name that the coordinator gives them (github.com/BLAKE3-team/BLAKE3-specs).
// Browsers have no BLAKE3 of their own, and SubtleCrypto has no streams. One thread, words in local variables.

const IV = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19].map((n) => n | 0);
const BLOCK = 64;
const CHUNK = 1024;
const CHUNK_START = 1;
const CHUNK_END = 2;
const PARENT = 4;
const ROOT = 8;

// `cv` becomes what is left of it after the 16 words at `at`.
function compress(cv, words, at, counter, length, flags) {
  let m0 = words[at + 0], m1 = words[at + 1], m2 = words[at + 2], m3 = words[at + 3];
  let m4 = words[at + 4], m5 = words[at + 5], m6 = words[at + 6], m7 = words[at + 7];
  let m8 = words[at + 8], m9 = words[at + 9], m10 = words[at + 10], m11 = words[at + 11];
  let m12 = words[at + 12], m13 = words[at + 13], m14 = words[at + 14], m15 = words[at + 15];
  let v0 = cv[0], v1 = cv[1], v2 = cv[2], v3 = cv[3], v4 = cv[4], v5 = cv[5], v6 = cv[6], v7 = cv[7];
  let v8 = 0x6a09e667 | 0, v9 = 0xbb67ae85 | 0, v10 = 0x3c6ef372 | 0, v11 = 0xa54ff53a | 0;
  let v12 = counter | 0, v13 = (counter / 4294967296) | 0, v14 = length | 0, v15 = flags | 0;
  let t = 0;
  for (let round = 0; ; round++) {
    v0 = (v0 + v4 + m0) | 0; v12 ^= v0; v12 = (v12 >>> 16) | (v12 << 16); v8 = (v8 + v12) | 0; v4 ^= v8; v4 = (v4 >>> 12) | (v4 << 20);
    v0 = (v0 + v4 + m1) | 0; v12 ^= v0; v12 = (v12 >>> 8) | (v12 << 24); v8 = (v8 + v12) | 0; v4 ^= v8; v4 = (v4 >>> 7) | (v4 << 25);
    v1 = (v1 + v5 + m2) | 0; v13 ^= v1; v13 = (v13 >>> 16) | (v13 << 16); v9 = (v9 + v13) | 0; v5 ^= v9; v5 = (v5 >>> 12) | (v5 << 20);
    v1 = (v1 + v5 + m3) | 0; v13 ^= v1; v13 = (v13 >>> 8) | (v13 << 24); v9 = (v9 + v13) | 0; v5 ^= v9; v5 = (v5 >>> 7) | (v5 << 25);
    v2 = (v2 + v6 + m4) | 0; v14 ^= v2; v14 = (v14 >>> 16) | (v14 << 16); v10 = (v10 + v14) | 0; v6 ^= v10; v6 = (v6 >>> 12) | (v6 << 20);
    v2 = (v2 + v6 + m5) | 0; v14 ^= v2; v14 = (v14 >>> 8) | (v14 << 24); v10 = (v10 + v14) | 0; v6 ^= v10; v6 = (v6 >>> 7) | (v6 << 25);
    v3 = (v3 + v7 + m6) | 0; v15 ^= v3; v15 = (v15 >>> 16) | (v15 << 16); v11 = (v11 + v15) | 0; v7 ^= v11; v7 = (v7 >>> 12) | (v7 << 20);
    v3 = (v3 + v7 + m7) | 0; v15 ^= v3; v15 = (v15 >>> 8) | (v15 << 24); v11 = (v11 + v15) | 0; v7 ^= v11; v7 = (v7 >>> 7) | (v7 << 25);
    v0 = (v0 + v5 + m8) | 0; v15 ^= v0; v15 = (v15 >>> 16) | (v15 << 16); v10 = (v10 + v15) | 0; v5 ^= v10; v5 = (v5 >>> 12) | (v5 << 20);
    v0 = (v0 + v5 + m9) | 0; v15 ^= v0; v15 = (v15 >>> 8) | (v15 << 24); v10 = (v10 + v15) | 0; v5 ^= v10; v5 = (v5 >>> 7) | (v5 << 25);
    v1 = (v1 + v6 + m10) | 0; v12 ^= v1; v12 = (v12 >>> 16) | (v12 << 16); v11 = (v11 + v12) | 0; v6 ^= v11; v6 = (v6 >>> 12) | (v6 << 20);
    v1 = (v1 + v6 + m11) | 0; v12 ^= v1; v12 = (v12 >>> 8) | (v12 << 24); v11 = (v11 + v12) | 0; v6 ^= v11; v6 = (v6 >>> 7) | (v6 << 25);
    v2 = (v2 + v7 + m12) | 0; v13 ^= v2; v13 = (v13 >>> 16) | (v13 << 16); v8 = (v8 + v13) | 0; v7 ^= v8; v7 = (v7 >>> 12) | (v7 << 20);
    v2 = (v2 + v7 + m13) | 0; v13 ^= v2; v13 = (v13 >>> 8) | (v13 << 24); v8 = (v8 + v13) | 0; v7 ^= v8; v7 = (v7 >>> 7) | (v7 << 25);
    v3 = (v3 + v4 + m14) | 0; v14 ^= v3; v14 = (v14 >>> 16) | (v14 << 16); v9 = (v9 + v14) | 0; v4 ^= v9; v4 = (v4 >>> 12) | (v4 << 20);
    v3 = (v3 + v4 + m15) | 0; v14 ^= v3; v14 = (v14 >>> 8) | (v14 << 24); v9 = (v9 + v14) | 0; v4 ^= v9; v4 = (v4 >>> 7) | (v4 << 25);
    if (round === 6) break;
    t = m0; m0 = m2; m2 = m3; m3 = m10; m10 = m12; m12 = m9; m9 = m11; m11 = m5; m5 = t;
    t = m1; m1 = m6; m6 = m4; m4 = m7; m7 = m13; m13 = m14; m14 = m15; m15 = m8; m8 = t;
  }
  cv[0] = v0 ^ v8; cv[1] = v1 ^ v9; cv[2] = v2 ^ v10; cv[3] = v3 ^ v11;
  cv[4] = v4 ^ v12; cv[5] = v5 ^ v13; cv[6] = v6 ^ v14; cv[7] = v7 ^ v15;
}

export class Blake3 {
  #cv = new Int32Array(8);
  #pair = new Int32Array(16);
  // The last bytes so far: never more than a chunk, and never none once there were some, for the last chunk of
  // all is finished in another way.
  #tail = new Uint8Array(CHUNK);
  #tailWords = new Int32Array(this.#tail.buffer);
  #tailLength = 0;
  #chunks = 0;
  // Of whole subtrees, the largest first.
  #stack = [];

  update(bytes) {
    let at = 0;
    while (at < bytes.length) {
      if (this.#tailLength === CHUNK) {
        this.#whole(this.#tailWords, 0);
        this.#tailLength = 0;
      }
      if (this.#tailLength === 0) at = this.#wholeChunks(bytes, at);
      const part = bytes.subarray(at, at + CHUNK - this.#tailLength);
      this.#tail.set(part, this.#tailLength);
      this.#tailLength += part.length;
      at += part.length;
    }
    return this;
  }

  // All chunks behind which there is more, straight from where they lie.
  #wholeChunks(bytes, at) {
    if ((bytes.byteOffset + at) % 4 !== 0) return at;
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, (bytes.length - at) >>> 2);
    let word = 0;
    while (bytes.length - at > CHUNK) {
      this.#whole(words, word);
      word += CHUNK / 4;
      at += CHUNK;
    }
    return at;
  }

  #whole(words, at) {
    const cv = this.#cv;
    cv.set(IV);
    for (let block = 0; block < 16; block++) {
      const flags = (block === 0 ? CHUNK_START : 0) | (block === 15 ? CHUNK_END : 0);
      compress(cv, words, at + block * 16, this.#chunks, BLOCK, flags);
    }
    this.#chunks += 1;
    let whole = cv.slice();
    for (let left = this.#chunks; left % 2 === 0; left /= 2) whole = this.#parent(this.#stack.pop(), whole, 0);
    this.#stack.push(whole);
  }

  #parent(left, right, flags) {
    this.#pair.set(left, 0);
    this.#pair.set(right, 8);
    const cv = Int32Array.from(IV);
    compress(cv, this.#pair, 0, 0, BLOCK, PARENT | flags);
    return cv;
  }

  hex() {
    const length = this.#tailLength;
    const isAll = this.#stack.length === 0;
    const blocks = Math.max(1, Math.ceil(length / BLOCK));
    const bytes = new Uint8Array(blocks * BLOCK);
    bytes.set(this.#tail.subarray(0, length));
    const words = new Int32Array(bytes.buffer);
    let cv = Int32Array.from(IV);
    for (let block = 0; block < blocks; block++) {
      const last = block === blocks - 1;
      const flags = (block === 0 ? CHUNK_START : 0) | (last ? CHUNK_END | (isAll ? ROOT : 0) : 0);
      compress(cv, words, block * 16, this.#chunks, last ? length - block * BLOCK : BLOCK, flags);
    }
    for (let at = this.#stack.length - 1; at >= 0; at--) cv = this.#parent(this.#stack[at], cv, at === 0 ? ROOT : 0);
    return [...new Uint8Array(cv.buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }
}
