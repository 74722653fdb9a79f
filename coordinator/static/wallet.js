// Signs in with an Aptos wallet (AIP-62): finds the wallets of this browser, has one sign the coordinator's
// challenge, and hands over what it signed.

const NEEDED = ["aptos:account", "aptos:connect", "aptos:signMessage"];

const wallets = new Map();

const register = (...found) => {
  for (const wallet of found) {
    if (NEEDED.every((feature) => feature in wallet.features)) wallets.set(wallet.name, wallet);
  }
  show();
  return () => {};
};

window.addEventListener("wallet-standard:register-wallet", (event) => event.detail({ register }));
window.dispatchEvent(new CustomEvent("wallet-standard:app-ready", { detail: { register } }));
setTimeout(show, 1000);

function show() {
  const place = document.getElementById("wallets");
  const buttons = [...wallets.values()].map((wallet) => {
    const button = document.createElement("button");
    button.textContent = `Sign in with ${wallet.name}`;
    button.onclick = () => signIn(wallet).catch((error) => say(error.message));
    return button;
  });
  if (buttons.length === 0) buttons.push("No Aptos wallet was found in this browser.");
  place.replaceChildren(...buttons);
}

async function signIn(wallet) {
  say("");
  const challenge = await post("/api/v1/sign-in/wallet/challenge", {});
  const proof = "aptos:signIn" in wallet.features
    ? await bySignIn(wallet, challenge)
    : await byMessage(wallet, challenge);
  await post("/api/v1/sign-in/wallet", { nonce: challenge.nonce, ...proof });
  location.assign(document.getElementById("wallets").dataset.next);
}

async function bySignIn(wallet, challenge) {
  const signed = approved(await wallet.features["aptos:signIn"].signIn(challenge.sign_in));
  return { ...keyOf(signed.account), signature: hex(signed.signature) };
}

async function byMessage(wallet, challenge) {
  const account = approved(await wallet.features["aptos:connect"].connect());
  const signed = approved(await wallet.features["aptos:signMessage"].signMessage(challenge.sign_message));
  return { ...keyOf(account), signature: hex(signed.signature), full_message: signed.fullMessage };
}

function approved(answer) {
  if (answer.status !== "Approved") throw new Error("The wallet was not allowed to sign.");
  return answer.args;
}

// Keys and signatures are objects of the wallet's own copy of the SDK: only their methods can be relied on.
const hex = (object) => object.bcsToHex().toString();
const keyOf = (account) => ({ address: account.address.toString(), public_key: hex(account.publicKey) });

async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const json = await answer.json();
  if (!answer.ok) throw new Error(json.detail ?? json.title);
  return json;
}

function say(text) {
  document.getElementById("trouble").textContent = text;
}
