/** @file `firn doctor`: what this machine offers and what is missing, each with what to do about it. */
import { access, statfs } from "node:fs/promises";
import { availableParallelism, cpus, freemem, totalmem } from "node:os";
import path from "node:path";
import { z } from "zod";
import { describeError, FirnError, formatBytes } from "../../core/index.ts";
import { DEVICE_NAMES, OnnxRuntime, requireDevice } from "../../engine/index.ts";
import type { CommandCall } from "../command.ts";
import { parseOptions, storeOption } from "../options.ts";

/** `fine`: nothing to do; `note`: works, could be better; `missing`: something will fail. */
export type Verdict = "fine" | "note" | "missing";

export interface Check {
  readonly name: string;
  readonly verdict: Verdict;
  readonly found: string;
  readonly next?: string;
}

const NODE_FLOOR = [20, 19] as const;
const GIB = 1024 ** 3;
/** Peak of `firn build nano` with room for the system beside it. */
const MEMORY_BYTES = 3 * GIB;
/** Store of `firn build nano` with room to spare. */
const DISK_BYTES = 2 * GIB;

export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.replace(/^v/, "").split(".").map(Number);
  const enough = major > NODE_FLOOR[0] || (major === NODE_FLOOR[0] && minor >= NODE_FLOOR[1]);
  return {
    name: "Node.js",
    verdict: enough ? "fine" : "missing",
    found: version,
    ...(enough ? {} : { next: `Install Node.js ${NODE_FLOOR.join(".")} or newer.` }),
  };
}

function checkMachine(): Check[] {
  const cores = availableParallelism();
  const total = totalmem();
  return [
    { name: "processor", verdict: "fine", found: `${cores} cores, ${cpus()[0]?.model.trim() ?? "unknown"}` },
    {
      name: "memory",
      verdict: total >= MEMORY_BYTES ? "fine" : "note",
      found: `${formatBytes(total)}, ${formatBytes(freemem())} free`,
      ...(total >= MEMORY_BYTES ? {} : { next: `\`firn build nano\` wants ${formatBytes(MEMORY_BYTES)}.` }),
    },
  ];
}

async function checkDisk(store: string): Promise<Check> {
  let folder = path.resolve(store);
  for (;;) {
    try {
      const { bavail, bsize } = await statfs(folder);
      const free = bavail * bsize;
      return {
        name: "disk",
        verdict: free >= DISK_BYTES ? "fine" : "note",
        found: `${formatBytes(free)} free for ${store}`,
        ...(free >= DISK_BYTES ? {} : { next: "Free some space, or choose another disk with --store." }),
      };
    } catch (error) {
      const parent = path.dirname(folder);
      if (parent === folder) {
        return {
          name: "disk",
          verdict: "missing",
          found: describeError(error),
          next: "Choose a folder with --store.",
        };
      }
      folder = parent;
    }
  }
}

function checkOnnxRuntime(): Check {
  try {
    const runtime = OnnxRuntime.load();
    const names = runtime.providers().map((name) => name.replace("ExecutionProvider", ""));
    return { name: "ONNX Runtime", verdict: "fine", found: `${runtime.version}: ${names.join(", ")}` };
  } catch (error) {
    return {
      name: "ONNX Runtime",
      verdict: "missing",
      found: describeError(error),
      next: "Training cannot run. Run `npm ci` again on a platform that onnxruntime-node supports (Linux, macOS or Windows; x64 or arm64).",
    };
  }
}

/** Which accelerators training could use here, and what the others are missing; the processor is enough. */
async function checkDevices(): Promise<Check[]> {
  const checks: Check[] = [];
  for (const device of DEVICE_NAMES) {
    if (device === "cpu") continue;
    const name = `--device ${device}`;
    try {
      await requireDevice(device);
      checks.push({ name, verdict: "fine", found: "works" });
    } catch (error) {
      if (!(error instanceof FirnError)) throw error;
      // Without the library there is no device either; the check before says so.
      if (error.code === "ENGINE_LIBRARY") return [];
      const { expected, got, next } = error.parts;
      checks.push({ name, verdict: "note", found: `no: wants ${expected}; ${got}`, next });
    }
  }
  return checks;
}

async function checkLlamaCpp(): Promise<Check> {
  try {
    const { getLlama } = await import("node-llama-cpp");
    const llama = await getLlama({ gpu: false, build: "never", progressLogs: false });
    const found = `llama.cpp ${llama.llamaCppRelease.release}, CPU`;
    await llama.dispose();
    return { name: "llama.cpp", verdict: "fine", found };
  } catch (error) {
    return {
      name: "llama.cpp",
      verdict: "missing",
      found: describeError(error),
      next: "`firn serve` and `firn chat` cannot speak. Run `npm ci` again; on 64-bit ARM Linux, remove the override of @node-llama-cpp/linux-arm64 in package.json first.",
    };
  }
}

/** Which MPI library training on several processes would use; one process needs none. */
async function checkMpi(): Promise<Check> {
  const { MPI_INSTALL_HINT, openMpiLibrary } = await import("../../train/index.ts");
  try {
    const { version, file } = openMpiLibrary();
    return { name: "MPI", verdict: "fine", found: `${version} (${file})` };
  } catch (error) {
    if (!(error instanceof FirnError)) throw error;
    return {
      name: "MPI",
      verdict: "note",
      found: "no library",
      next: `Only training on several processes or machines needs one. ${MPI_INSTALL_HINT}`,
    };
  }
}

/** Places where Chromium or Chrome is found by name; used by the tests of the web page only. */
const BROWSERS = ["chromium", "chromium-browser", "google-chrome", "chrome", "google-chrome-stable"];

async function checkBrowser(): Promise<Check> {
  const folders = (process.env["PATH"] ?? "").split(path.delimiter).filter((folder) => folder !== "");
  for (const folder of folders) {
    for (const browser of BROWSERS) {
      const file = path.join(folder, browser);
      try {
        await access(file);
        return { name: "browser", verdict: "fine", found: file };
      } catch {
        continue;
      }
    }
  }
  return {
    name: "browser",
    verdict: "note",
    found: "no Chromium on the PATH",
    next: "Only the tests of the web page need one; they say so and pass over it. Debian: `apt install chromium`.",
  };
}

/** All checks, in the order they are printed. */
export async function examine(store: string): Promise<Check[]> {
  return [
    checkNode(process.version),
    ...checkMachine(),
    await checkDisk(store),
    checkOnnxRuntime(),
    ...(await checkDevices()),
    await checkLlamaCpp(),
    await checkMpi(),
    await checkBrowser(),
  ];
}

export async function run(call: CommandCall): Promise<void> {
  const { store } = parseOptions(z.object({ store: storeOption }), call);
  const checks = await examine(store);
  if (call.json) call.printJson(checks.map((check) => ({ ...check })));
  const marks: Record<Verdict, string> = { fine: "✓", note: "·", missing: "✗" };
  if (!call.json) {
    for (const { name, verdict, found, next } of checks) {
      call.terminal.print(`${marks[verdict]} ${name.padEnd(14)} ${found}`);
      if (next !== undefined) call.terminal.print(`  ${"".padEnd(14)} ${next}`);
    }
  }
  const missing = checks.filter(({ verdict }) => verdict === "missing");
  if (missing.length > 0) {
    throw new FirnError("CLI_MACHINE_NOT_READY", {
      expected: "everything Firn needs on this machine",
      got: `trouble with ${missing.map(({ name }) => name).join(", ")}`,
      next: "Follow the advice under each line marked ✗, then run `firn doctor` again.",
    });
  }
}
