// Drives Debian's Chromium for the tests. Reads an order a line, {id, tab, order, …}, and answers a line each, {id, ok}
// or {id, fault}; orders to different tabs run at the same time. A window is an incognito context of its own. The end
// of the input is the end of the browser.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { buildSync } from "esbuild";
import puppeteer from "puppeteer-core";

const NAMES = ["/usr/bin/chromium", "/usr/bin/google-chrome"];
// A machine that renders at the same time is slow.
const PATIENCE_MS = 60_000;

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const profile = mkdtempSync(join(tmpdir(), "pictor-chromium-"));
const browser = await puppeteer.launch({
  executablePath: NAMES.find(existsSync) ?? "chromium",
  userDataDir: profile,
  headless: true,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--disable-dev-shm-usage",
  ],
});

const tabs = new Map();

const open = async (context, limits) => watch(await context.newPage(), context, limits);

// What a page did that none should: asked another host, broke the content policy, failed in a script.
async function watch(page, context, { site, may_ask: mayAsk = [] }) {
  page.setDefaultTimeout(PATIENCE_MS);
  await page.setViewport({ width: 1280, height: 900 });
  const tab = { page, context, site, faults: [] };
  const known = [site, ...mayAsk];
  page.on("request", (request) => {
    const url = request.url();
    const isInside = ["data:", "blob:", "about:"].some((scheme) => url.startsWith(scheme));
    if (!isInside && !known.includes(new URL(url).origin)) tab.faults.push(`asks ${url}`);
  });
  page.on("pageerror", (error) => tab.faults.push(`${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    const text = message.text();
    // What is refused is what some tests are about; the policy and scripts are not.
    if (message.type() === "error" && !text.startsWith("Failed to load resource")) {
      tab.faults.push(`${page.url()}: ${text}`);
    }
  });
  inFront.set(context, tab);
  tabs.set(String(tabs.size + 1), tab);
  return String(tabs.size);
}

const absolute = (tab, path) => (path.startsWith("/") ? tab.site + path : path);
const first = (tab, selector) => tab.page.waitForSelector(selector, { visible: true });

// A live part may be replaced between being found and being clicked.
async function click(tab, selector) {
  for (;;) {
    try {
      return await (await first(tab, selector)).click();
    } catch (error) {
      if (!error.message.includes("detached")) throw error;
    }
  }
}

// A click that leads to another page is over when that page is there.
async function leaving(tab, act) {
  const navigation = tab.page.waitForNavigation({ waitUntil: "load" });
  navigation.catch(() => {});
  await act();
  const answer = await navigation;
  return answer?.status() ?? null;
}

const orders = {
  async window(order) {
    return open(await browser.createBrowserContext(), order);
  },
  tab: ({ tab, site }) => open(tab.context, { site: site ?? tab.site }),
  async close({ tab }) {
    await tab.page.close();
  },
  async end({ tab }) {
    await tab.context.close();
  },
  async goto({ tab, path }) {
    const answer = await tab.page.goto(absolute(tab, path), { waitUntil: "load" });
    return answer ? answer.status() : 304;
  },
  async cookie({ tab, name, value }) {
    await tab.context.setCookie({ name, value, domain: new URL(tab.site).hostname, path: "/", sameSite: "Strict", httpOnly: true });
  },
  async back({ tab }) {
    await tab.page.goBack({ waitUntil: "load" });
  },
  click: ({ tab, selector }) => click(tab, selector),
  follow: ({ tab, selector }) => leaving(tab, () => click(tab, selector)),
  // A click that opens another tab, which is in front then.
  async opened({ tab, selector }) {
    const opened = new Promise((is) => tab.context.once("targetcreated", is));
    await click(tab, selector);
    return watch(await (await opened).page(), tab.context, { site: tab.site });
  },
  async type({ tab, selector, text }) {
    const field = await first(tab, selector);
    await field.evaluate((node) => { node.value = ""; });
    await field.type(text);
  },
  async choose({ tab, selector, value }) {
    await first(tab, selector);
    await tab.page.select(selector, value);
  },
  async upload({ tab, selector, file }) {
    const field = await tab.page.waitForSelector(selector);
    await field.uploadFile(file);
  },
  async see({ tab, selector, text }) {
    await tab.page.waitForFunction(
      (selector, text) => [...document.querySelectorAll(selector)].some((node) =>
        node.checkVisibility() && (!text || node.textContent.includes(text))),
      { timeout: PATIENCE_MS }, selector, text ?? "",
    ).catch(async () => {
      const words = await tab.page.evaluate(() => document.querySelector("main")?.innerText ?? document.body.innerText);
      throw new Error(`${tab.page.url()} never has ${selector} ${text ?? ""}, but:\n${words}`);
    });
  },
  async gone({ tab, selector }) {
    await tab.page.waitForSelector(selector, { hidden: true });
  },
  texts: ({ tab, selector }) =>
    tab.page.$$eval(selector, (nodes) => nodes.map((node) => (node.matches("input, textarea, select") ? node.value : node.textContent).trim())),
  attributes: ({ tab, selector, name }) =>
    tab.page.$$eval(selector, (nodes, name) => nodes.map((node) => node.getAttribute(name)), name),
  // What was copied last, in whatever tab.
  async copied({ tab }) {
    await tab.context.overridePermissions(tab.site, ["clipboard-read", "clipboard-write", "clipboard-sanitized-write"]);
    return tab.page.evaluate(() => navigator.clipboard.readText());
  },
  url: ({ tab }) => tab.page.url(),
  // An expression, in the page.
  run: ({ tab, script }) => tab.page.evaluate(script),
  async screenshot({ tab, file, whole }) {
    await tab.page.screenshot({ path: file, fullPage: whole ?? true });
  },
  // What axe finds: the rule, and the elements that break it.
  async axe({ tab }) {
    await tab.page.evaluate(axeSource);
    const { violations } = await tab.page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
    return violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} (${help}): ${target.join(" ")}: ${failureSummary}`));
  },
  async offline({ tab, is }) {
    await tab.page.setOfflineMode(is);
  },
  async scripts({ tab, are }) {
    await tab.page.setJavaScriptEnabled(are);
  },
  async scheme({ tab, name }) {
    await tab.page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: name }]);
  },
  async size({ tab, width, height }) {
    await tab.page.setViewport({ width, height, isMobile: width < 600, hasTouch: width < 600 });
  },
  // A wallet of the Aptos SDK, in every page that is opened from now on.
  async wallet({ tab, ...options }) {
    const source = `globalThis.WALLET = ${JSON.stringify(options)};\n${walletSource()}`;
    await tab.page.evaluateOnNewDocument(source);
  },
  downloads: async ({ tab, folder }) => {
    const session = await tab.page.createCDPSession();
    await session.send("Browser.setDownloadBehavior", {
      behavior: "allow", downloadPath: folder, browserContextId: tab.context.id, eventsEnabled: false,
    });
  },
  // Everything that was found since it was asked last.
  faults: ({ tab }) => tab.faults.splice(0),
};

let walletText;

// The SDK with the wallet around it, as a page can run it.
function walletSource() {
  walletText ??= buildSync({
    entryPoints: ["wallet_in_page.mjs"], bundle: true, format: "iife", platform: "browser", write: false,
    define: { "process.env.NODE_DEBUG": "undefined" }, logLevel: "error",
  }).outputFiles[0].text;
  return walletText;
}

// Of the tabs of a window only the one in front is drawn, and what is not drawn is not seen.
const inFront = new Map();

async function toFront(tab) {
  if (!tab || (inFront.get(tab.context) ?? tab) === tab) return;
  inFront.set(tab.context, tab);
  await tab.page.bringToFront();
}

async function obey(line) {
  const { id, order, tab, ...rest } = JSON.parse(line);
  try {
    if (order !== "close") await toFront(tabs.get(tab));
    const ok = await orders[order]({ tab: tabs.get(tab), ...rest });
    console.log(JSON.stringify({ id, ok: ok ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ id, fault: `${order}: ${error.message}` }));
  }
}

// The tests may end before they heard everything.
process.stdout.on("error", () => {});
console.log(JSON.stringify({ id: 0, ok: await browser.version() }));
for await (const line of createInterface({ input: process.stdin })) obey(line);
await browser.close();
rmSync(profile, { recursive: true, force: true });
process.exit();
