/** @file What this machine and the store's ledger know about the training of the newest release: device, hours, energy. */
import { cpus } from "node:os";
import { z } from "zod";
import { openStore } from "../artifacts/index.ts";
import { measureMatmulRate } from "../engine/index.ts";
import type { Ledger } from "../ledger/index.ts";
import { newestOfStage } from "./find-artifact.ts";
import { trainingRuns } from "./release-run.ts";
import { secondsOf } from "./requests.ts";

/** A session of a training run, as the run recorded it. */
const sessionSchema = z.object({
  fromStep: z.number(),
  toStep: z.number(),
  steps: z.number(),
  device: z.string(),
  threads: z.number(),
  processes: z.number(),
  seconds: z.number(),
  peakFlops: z.number().nullable(),
  joules: z.number(),
  energyEstimated: z.boolean(),
});
type Session = z.infer<typeof sessionSchema>;

/** The sessions of the runs, where together they cover every step: a session that was killed says nothing. */
async function sessionsOf(ledger: Ledger, fingerprints: readonly string[]): Promise<Session[] | undefined> {
  const found = new Map<string, Session[]>(fingerprints.map((fingerprint) => [fingerprint, []]));
  for await (const { kind, fingerprint, data } of ledger.facts()) {
    const session = kind === "measured" ? sessionSchema.safeParse(data).data : undefined;
    if (session !== undefined) found.get(fingerprint)?.push(session);
  }
  const whole = [...found.values()].every((sessions) => {
    const covered = sessions.reduce((sum, { fromStep, toStep }) => sum + toStep - fromStep, 0);
    return sessions.length > 0 && covered >= sessions[0]!.steps;
  });
  return whole ? [...found.values()].flat() : undefined;
}

const sum = (sessions: readonly Session[], value: (one: Session) => number): number =>
  sessions.reduce((total, one) => total + value(one), 0);
const rounded = (value: number): number => Number(value.toPrecision(3));

/** Answers about the hardware from what the sessions measured. */
function fromSessions(sessions: readonly Session[]): {
  device: string;
  units: number;
  hours: number;
  peakFlops?: number;
  watts?: number;
  measuredKilowattHours?: number;
} {
  const [first] = sessions as [Session];
  const seconds = sum(sessions, (one) => one.seconds * one.processes) / first.processes;
  const joules = sum(sessions, (one) => one.joules * one.processes);
  const peaks = sessions.flatMap(({ peakFlops }) => peakFlops ?? []);
  const counted = sessions.every(({ energyEstimated }) => !energyEstimated);
  return {
    device: `${first.device}, ${first.threads} threads`,
    units: first.processes,
    hours: rounded(seconds / 3600),
    ...(peaks.length === 0 ? {} : { peakFlops: rounded(Math.max(...peaks)) }),
    ...(counted
      ? { measuredKilowattHours: rounded(joules / 3.6e6) }
      : { watts: rounded(joules / (seconds * first.processes)) }),
  };
}

/**
 * Device, hours, peak and energy for the provider's form: what the training sessions recorded, else the time between
 * beginning and end in the ledger. Hours are left out when a run was killed: nobody then knows how long it worked.
 */
export async function measuredHardware(
  storeDir: string,
  ledger: Ledger,
  threads: number,
): Promise<{ readonly [key: string]: string | number }> {
  const store = openStore(storeDir);
  const release = await newestOfStage(store, "release", "Build a recipe first: `npx firn build nano`.");
  const fingerprints = (await trainingRuns(store, release)).map(({ manifest }) => manifest.fingerprint);
  const peakFlops = rounded(await measureMatmulRate(threads));
  const sessions = await sessionsOf(ledger, fingerprints);
  if (sessions !== undefined && sessions.length > 0) return { peakFlops, ...fromSessions(sessions) };
  const seconds = await Promise.all(fingerprints.map((fingerprint) => secondsOf(ledger, fingerprint)));
  const total = seconds.every((one) => one !== null) ? seconds.reduce((all, one) => all + one, 0) : 0;
  return {
    device: `${cpus()[0]?.model.trim() ?? "this machine"}, ${threads} threads`,
    units: 1,
    ...(total === 0 ? {} : { hours: rounded(total / 3600) }),
    peakFlops,
  };
}
