// Lighthouse's scores of a page, 0 to 1, and what keeps each from 1. Arguments: the address, and a session's cookie.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import lighthouse from "lighthouse";
import puppeteer from "puppeteer-core";

const [url, session] = process.argv.slice(2);
const profile = mkdtempSync(join(tmpdir(), "pictor-lighthouse-"));
const browser = await puppeteer.launch({
  executablePath: ["/usr/bin/chromium", "/usr/bin/google-chrome"].find(existsSync) ?? "chromium",
  userDataDir: profile,
  headless: true,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ],
});
const page = await browser.newPage();
const onlyCategories = ["performance", "accessibility", "best-practices"];
const extraHeaders = session ? { Cookie: `pictor_session=${session}` } : undefined;
const { lhr } = await lighthouse(url, { onlyCategories, extraHeaders, logLevel: "silent" }, undefined, page);
const scores = Object.fromEntries(Object.values(lhr.categories).map(({ id, score }) => [id, score]));
const counted = Object.values(lhr.categories).flatMap(({ auditRefs }) =>
  auditRefs.filter(({ weight }) => weight > 0).map(({ id }) => lhr.audits[id]));
const less = counted
  .filter(({ score }) => score !== null && score < 0.9)
  .map(({ id, title, displayValue }) => `${id}: ${title} ${displayValue ?? ""}`.trim());
console.log(JSON.stringify({ scores, less }));
await browser.close();
rmSync(profile, { recursive: true, force: true });
process.exit();
