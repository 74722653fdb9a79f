// Signs in with an Aptos wallet (AIP-62), or adds one to the account: finds the wallets of this browser, has one sign
// the coordinator's challenge, and hands over what it signed. Whatever a wallet says of itself is text.

const NEEDED = ["aptos:account", "aptos:connect", "aptos:signMessage"];
// Wallets register within a moment of the page's coming.
const PATIENCE_MS = 1000;
const NAME_LETTERS = 60;

const place = document.getElementById("wallets");
const trouble = document.getElementById("trouble");
const wallets = new Map();
let isOver = false;

const register = (...found) => {
  for (const wallet of found) {
    const isOne = wallet && typeof wallet.name === "string" && wallet.features;
    if (isOne && NEEDED.every((feature) => feature in wallet.features)) wallets.set(wallet.name, wallet);
  }
  show();
  return () => {};
};

window.addEventListener("wallet-standard:register-wallet", (event) => event.detail({ register }));
window.dispatchEvent(new CustomEvent("wallet-standard:app-ready", { detail: { register } }));
setTimeout(() => { isOver = true; show(); }, PATIENCE_MS);

function show() {
  if (wallets.size > 0) place.replaceChildren(...[...wallets.values()].map(button));
  else if (isOver) place.replaceChildren();
  document.getElementById("no-wallet").hidden = wallets.size > 0 || !isOver;
}

// The icon is the wallet's own data, and so no picture for this page: initials tell them apart as well.
function button(wallet) {
  const name = wallet.name.slice(0, NAME_LETTERS);
  const mark = element("span", name.split(/\s+/).slice(0, 2).map((word) => word[0] ?? "").join("").toUpperCase());
  mark.className = "mark";
  mark.setAttribute("aria-hidden", "true");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "wallet";
  button.append(mark, element("b", `${place.dataset.verb} ${name}`));
  button.addEventListener("click", () => prove(wallet).catch((error) => say(error.message)));
  return button;
}

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

async function prove(wallet) {
  say("");
  for (const button of place.querySelectorAll("button")) button.disabled = true;
  try {
    const { challenge: from, proof: to, next } = place.dataset;
    const challenge = await post(from, {});
    const proof = "aptos:signIn" in wallet.features
      ? await bySignIn(wallet, challenge)
      : await byMessage(wallet, challenge);
    const answer = await post(to, { nonce: challenge.nonce, ...proof });
    location.assign(answer.is_new ? `/welcome?${new URLSearchParams({ next })}` : next);
  } catch (error) {
    if (!error.hearing) throw error;
    hear(error.hearing.secret);
  } finally {
    for (const button of place.querySelectorAll("button")) button.disabled = false;
  }
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
  if (answer.status !== "Approved") throw new Error("The wallet was not allowed to sign. You can try again.");
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
  const json = await answer.json().catch(() => ({}));
  if (answer.ok) return json;
  const error = new Error(sentence(json.detail ?? json.title ?? "The coordinator does not answer"));
  error.hearing = json.hearing;
  throw error;
}

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

// Whoever is banned is shown why; the secret that opens it goes in a form and into no address.
function hear(secret) {
  const form = document.createElement("form");
  form.method = "post";
  form.action = "/hearing";
  const field = document.createElement("input");
  Object.assign(field, { type: "hidden", name: "secret", value: secret });
  form.append(field);
  document.body.append(form);
  form.submit();
}

function say(text) {
  trouble.textContent = text;
}
