// The sign-in page's script in as much of a browser as it needs, with a wallet of the Aptos SDK that registers
// itself as AIP-62 says. Arguments: the coordinator, and the wallet's best feature. Prints where the page went.

import { webcrypto } from "node:crypto";
import { Account, Ed25519PrivateKey } from "@aptos-labs/ts-sdk";
import { createSignInMessage, createSignInSigningMessage } from "@aptos-labs/siwa";

globalThis.crypto ??= webcrypto;

const [site, feature] = process.argv.slice(2);
const signer = Account.fromPrivateKey({
  privateKey: new Ed25519PrivateKey(`ed25519-priv-0x${"11".repeat(32)}`),
});
const account = { address: signer.accountAddress, publicKey: signer.publicKey };

const features = {
  "aptos:account": {},
  "aptos:connect": { connect: async () => ({ status: "Approved", args: account }) },
  "aptos:signMessage": {
    signMessage: async ({ message, nonce }) => {
      const fullMessage = [
        "APTOS", `address: ${account.address}`, `application: ${site}`, "chainId: 2", `message: ${message}`,
        `nonce: ${nonce}`,
      ].join("\n");
      const signature = signer.sign(new TextEncoder().encode(fullMessage));
      return { status: "Approved", args: { fullMessage, signature } };
    },
  },
};
if (feature === "aptos:signIn") {
  const signIn = async (input) => {
    const text = createSignInMessage({ ...input, address: account.address.toString() });
    const signature = signer.sign(createSignInSigningMessage(text));
    return { status: "Approved", args: { account, input, signature, type: "ed25519" } };
  };
  features[feature] = { signIn };
}
if (feature === "rejected") {
  features["aptos:connect"].connect = async () => ({ status: "Rejected" });
}

const page = new EventTarget();
let buttons = [];
let done;
const ended = new Promise((resolve) => { done = resolve; });
const elements = {
  wallets: { replaceChildren: (...children) => { buttons = children; } },
  trouble: { set textContent(text) { if (text) done({ trouble: text }); } },
};
let cookie;
globalThis.window = page;
globalThis.document = {
  getElementById: (id) => elements[id],
  createElement: () => ({}),
};
globalThis.location = { assign: (to) => done({ to, cookie }) };
const overNetwork = globalThis.fetch;
globalThis.fetch = async (path, options) => {
  const headers = { ...options.headers, origin: site };
  const answer = await overNetwork(site + path, { ...options, headers });
  cookie = answer.headers.get("set-cookie") ?? cookie;
  return answer;
};

page.addEventListener("wallet-standard:app-ready", (event) => {
  event.detail.register({ name: "Of another chain", features: {} });
  event.detail.register({ name: "Petra of the tests", features });
});
await import("../../../static/wallet.js");
const names = buttons.map((button) => button.textContent);
buttons[0].onclick();
console.log(JSON.stringify({ names, ...(await ended) }));
process.exit();
