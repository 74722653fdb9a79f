// Aptos wallets of every kind, by the SDK that wallets are made with. Reads a request a line and answers a line:
// {kind, sign_in} or {kind, sign_message, application, chain_id, nonce_first}; `address` is another account's. With
// chain_first the fields of sign_in stand as in AIP-116's grammar, where the package puts the chain last.

import { webcrypto } from "node:crypto";
import { createInterface } from "node:readline";
import { createSignInMessage, createSignInSigningMessage } from "@aptos-labs/siwa";
import {
  Account, AnyPublicKey, Ed25519PrivateKey, KeylessPublicKey, MultiEd25519Account, MultiEd25519PublicKey,
  MultiKey, MultiKeyAccount, Secp256k1PrivateKey,
} from "@aptos-labs/ts-sdk";

// Debian's Node 18 has it in a module only.
globalThis.crypto ??= webcrypto;

const digits = (seed) => seed.toString(16).padStart(64, "0");
const ed25519 = (seed, legacy) =>
  Account.fromPrivateKey({ privateKey: new Ed25519PrivateKey(`ed25519-priv-0x${digits(seed)}`), legacy });
const secp256k1 = (seed) =>
  Account.fromPrivateKey({ privateKey: new Secp256k1PrivateKey(`secp256k1-priv-0x${digits(seed)}`), legacy: false });

function multiKey(seed) {
  const signers = [secp256k1(seed), ed25519(seed + 1, false), ed25519(seed + 2, false)];
  const key = new MultiKey({
    publicKeys: signers.map((signer) => signer.publicKey),
    signaturesRequired: 2,
  });
  return new MultiKeyAccount({ multiKey: key, signers: [signers[0], signers[2]] });
}

function multiEd25519(seed) {
  const signers = [seed, seed + 1, seed + 2].map((seed) => new Ed25519PrivateKey(`ed25519-priv-0x${digits(seed)}`));
  const key = new MultiEd25519PublicKey({
    publicKeys: signers.map((signer) => signer.publicKey()),
    threshold: 2,
  });
  return new MultiEd25519Account({ publicKey: key, signers: [signers[0], signers[2]] });
}

const WALLETS = {
  ed25519: (seed) => ed25519(seed, true),
  single_key_ed25519: (seed) => ed25519(seed, false),
  single_key_secp256k1: secp256k1,
  multi_key: multiKey,
  multi_ed25519: multiEd25519,
};

// A wallet opened with Google: its key has no private part, so the signature is of no matter.
function keyless() {
  const key = new AnyPublicKey(
    new KeylessPublicKey("https://accounts.google.com", new Uint8Array(32).fill(7)),
  );
  return {
    address: key.authKey().derivedAddress().toString(),
    public_key: key.bcsToHex().toString(),
    signature: "0x00",
  };
}

function sign({ kind, seed, address, sign_in, chain_first, sign_message, application, chain_id, nonce_first }) {
  if (kind === "keyless") return keyless();
  const wallet = WALLETS[kind](seed ?? 1);
  const account = address ?? wallet.accountAddress.toString();
  const answer = { address: account, public_key: wallet.publicKey.bcsToHex().toString() };
  if (sign_in) {
    let text = createSignInMessage({ ...sign_in, address: account });
    if (chain_first) text = text.replace(/\n(Nonce: [^]*)\n(Chain ID: .*)$/, "\n$2\n$1");
    const signature = wallet.sign(createSignInSigningMessage(text));
    return { ...answer, signature: signature.bcsToHex().toString() };
  }
  const last = [`message: ${sign_message.message}`, `nonce: ${sign_message.nonce}`];
  if (nonce_first) last.reverse();
  const full_message = [
    "APTOS", `address: ${account}`, `application: ${application}`, `chainId: ${chain_id}`, ...last,
  ].join("\n");
  const signature = wallet.sign(new TextEncoder().encode(full_message));
  return { ...answer, signature: signature.bcsToHex().toString(), full_message };
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(sign(JSON.parse(line))));
}
