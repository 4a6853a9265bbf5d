/** @file The browser of the tests: an installed Chromium, driven by playwright-core. Without one they are left out, loudly. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
const EXECUTABLE = process.env["FIRN_CHROMIUM"] ?? PLACES.find((place) => existsSync(place));
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const unwanted = process.env["FIRN_NO_BROWSER"] === "1";
/** On a machine of continuous integration a missing browser is a failure: nobody would read the warning. */
const missing = EXECUTABLE === undefined && process.env["CI"] === undefined;

/** Whether the tests that need a browser are left out. */
export const noBrowser = unwanted || missing;
if (noBrowser) {
  console.warn(
    unwanted
      ? "The page is not tested: FIRN_NO_BROWSER=1 is set."
      : "The page is not tested: no Chromium was found. Debian: apt-get install -y chromium; or FIRN_CHROMIUM=<path>.",
  );
}

let running: Promise<Browser> | undefined;

/**
 * One browser for all test files of a process, since starting one takes longer than most tests: each test has a context of its
 * own, which keeps them apart. It ends with the process.
 */
export function sharedBrowser(): Promise<Browser> {
  running ??= launchBrowser();
  return running;
}

async function launchBrowser(): Promise<Browser> {
  if (EXECUTABLE === undefined || !existsSync(EXECUTABLE))
    throw new Error(
      `No browser at ${EXECUTABLE ?? PLACES.join(", ")}. Debian: apt-get install -y chromium; or name one with FIRN_CHROMIUM.`,
    );
  return chromium.launch({ executablePath: EXECUTABLE, args: ARGUMENTS });
}
