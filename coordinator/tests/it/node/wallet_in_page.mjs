// An Aptos wallet in a page, made of the SDK that wallets are made with, registered as AIP-62 says. WALLET says its
// name, its best feature, and the seed of its key; `rejects` is a person who says no.

import { Account, Ed25519PrivateKey } from "@aptos-labs/ts-sdk";
import { createSignInMessage, createSignInSigningMessage } from "@aptos-labs/siwa";

const { name = "Petra of the tests", feature = "aptos:signIn", seed = 1, rejects = false, icon = "" } = globalThis.WALLET;
const digits = seed.toString(16).padStart(64, "0");
const signer = Account.fromPrivateKey({ privateKey: new Ed25519PrivateKey(`ed25519-priv-0x${digits}`) });
const account = { address: signer.accountAddress, publicKey: signer.publicKey };
const answer = (args) => (rejects ? { status: "Rejected" } : { status: "Approved", args });

const features = {
  "aptos:account": {},
  "aptos:connect": { connect: async () => answer(account) },
  "aptos:signMessage": {
    signMessage: async ({ message, nonce }) => {
      const fullMessage = [
        "APTOS", `address: ${account.address}`, `application: ${location.origin}`, "chainId: 2",
        `message: ${message}`, `nonce: ${nonce}`,
      ].join("\n");
      return answer({ fullMessage, signature: signer.sign(new TextEncoder().encode(fullMessage)) });
    },
  },
};
if (feature === "aptos:signIn") {
  features[feature] = {
    signIn: async (input) => {
      const text = createSignInMessage({ ...input, address: account.address.toString() });
      const signature = signer.sign(createSignInSigningMessage(text));
      return answer({ account, input, signature, type: "ed25519" });
    },
  };
}

const wallet = { name, icon, version: "1.0.0", chains: ["aptos:testnet"], accounts: [], features };
const register = ({ register }) => register(wallet);
window.addEventListener("wallet-standard:app-ready", (event) => register(event.detail));
window.dispatchEvent(new CustomEvent("wallet-standard:register-wallet", { detail: register }));
