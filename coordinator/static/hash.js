// A worker: reads a file piece by piece and says what its BLAKE3 is. The page stays quick, and the file is never
// in memory as a whole.

import { Blake3 } from "./blake3.js";

const PIECE = 4 << 20;

addEventListener("message", async ({ data: file }) => {
  try {
    const hasher = new Blake3();
    let next = file.slice(0, PIECE).arrayBuffer();
    for (let at = 0; at < file.size; at += PIECE) {
      const piece = new Uint8Array(await next);
      next = file.slice(at + PIECE, at + 2 * PIECE).arrayBuffer();
      hasher.update(piece);
      postMessage({ read: at + piece.length });
    }
    postMessage({ hash: hasher.hex() });
  } catch (error) {
    postMessage({ error: String(error?.message ?? error) });
  }
});
