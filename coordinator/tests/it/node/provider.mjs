// An OpenID provider on loopback: oidc-provider as it is, and orders at /control that make it misbehave.
// Prints its address once it answers. Everybody signs in as whom the last order named.

import { createServer } from "node:http";
import { SignJWT, UnsecuredJWT, decodeJwt, exportJWK, generateKeyPair, importJWK } from "jose";
import Provider from "oidc-provider";

const CLIENT = { client_id: "pictor", client_secret: "0123456789abcdef0123456789abcdef" };

let account = "ada";
let denies = false;
let fault = null;
let key;
let provider;
let issuer;

async function start() {
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      console.error(error);
      response.writeHead(500).end();
    });
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  issuer = `http://127.0.0.1:${server.address().port}`;
  await rotate();
  console.log(issuer);
}

let keys = 0;

async function newKey() {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  keys += 1;
  return { ...(await exportJWK(privateKey)), kid: `key-${keys}`, alg: "RS256", use: "sig" };
}

// Another key, and nothing of the one before. Codes are kept by the adapter, which all share.
async function rotate() {
  key = await newKey();
  provider = new Provider(issuer, {
    clients: [{ ...CLIENT, redirect_uris: [`${issuer}/replaced-below`] }],
    jwks: { keys: [key] },
    cookies: { keys: ["of no importance"] },
    pkce: { methods: ["S256"], required: () => true },
    claims: { openid: ["sub"], email: ["email", "email_verified"] },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.org`, email_verified: true }),
    }),
  });
  // The coordinator's port is not known yet.
  provider.Client.prototype.redirectUriAllowed = (uri) =>
    /^http:\/\/127\.0\.0\.1:\d+\/sign-in\/oidc\/callback$/.test(uri);
  provider.use(async (context, next) => {
    await next();
    if (fault && context.path === "/token" && context.body?.id_token) {
      context.body.id_token = await spoilt(context.body.id_token);
    }
  });
}

async function spoilt(token) {
  const claims = decodeJwt(token);
  const sign = async (changed, jwk = key, kid = key.kid) =>
    new SignJWT({ ...claims, ...changed })
      .setProtectedHeader({ alg: "RS256", kid })
      .sign(await importJWK(jwk, "RS256"));
  const hour = 3600;
  switch (fault) {
    case "nonce": return sign({ nonce: "of-another-sign-in" });
    case "no-nonce": return sign({ nonce: undefined });
    case "expired": return sign({ iat: claims.iat - 2 * hour, exp: claims.iat - hour });
    case "audience": return sign({ aud: "somebody-else" });
    case "audiences": return sign({ aud: ["pictor", "somebody-else"] });
    case "issuer": return sign({ iss: "https://accounts.google.com" });
    case "unknown-key": return sign({}, await newKey(), "nobody-knows");
    case "forged-key": return sign({}, await newKey());
    case "unsigned": return new UnsecuredJWT(claims).encode();
    case "shared-secret":
      return new SignJWT(claims)
        .setProtectedHeader({ alg: "HS256" })
        .sign(new TextEncoder().encode(CLIENT.client_secret));
    default: throw new Error(`no such fault: ${fault}`);
  }
}

async function answer(request, response) {
  const { pathname } = new URL(request.url, issuer);
  if (pathname === "/control") return control(request, response);
  if (pathname.startsWith("/interaction/")) return interact(request, response);
  return provider.callback()(request, response);
}

async function control(request, response) {
  let text = "";
  for await (const chunk of request) text += chunk;
  const order = JSON.parse(text);
  account = order.account ?? account;
  denies = order.denies ?? false;
  fault = order.fault ?? null;
  if (order.rotate) await rotate();
  response.writeHead(204).end();
}

// What a person would do: sign in and agree, or not.
async function interact(request, response) {
  const { prompt, params, grantId } = await provider.interactionDetails(request, response);
  if (denies) {
    const result = { error: "access_denied", error_description: "the person said no" };
    return provider.interactionFinished(request, response, result);
  }
  if (prompt.name === "login") {
    return provider.interactionFinished(request, response, { login: { accountId: account } });
  }
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: account, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const consent = { grantId: await grant.save() };
  return provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
}

await start();
