/** @file What the pipeline did about reservations of rights, from its own facts: signals, agents, snapshots, counts. */
import { formatInteger } from "../../core/index.ts";
import type { Recorded, ReleaseRecord, StepFact } from "./facts.ts";
import { amount, stated, type Statement } from "./paper.ts";

/** What the pipeline looks for, in words. */
const SIGNALS: ReadonlyMap<string, string> = new Map([
  ["request", "requests of rights holders and persons"],
  ["robots", "robots.txt (RFC 9309) for the named agents"],
  ["robots-everyone", "robots.txt for every agent"],
  ["content-usage", "Content-Usage (IETF AIPREF) and Content-Signal"],
  ["tdm-reservation", "the TDM Reservation Protocol (TDMRep)"],
  ["noai", "noai in page headers and tags"],
  ["ai-txt", "ai.txt"],
]);

const signalText = (name: string): string => {
  const words = SIGNALS.get(name);
  return words === undefined ? name : `${words} (${name})`;
};

const OPT_OUT = /opt-?out|robots/;

/** `dropped: robots 12, request 1`, or that nothing was. */
export function droppedText({ data }: Recorded<StepFact>): string {
  const reasons = [...data.reasons].map(([reason, times]) => `${reason} ${formatInteger(times)}`);
  return reasons.length === 0 ? "nothing dropped" : `dropped: ${reasons.join(", ")}`;
}

/** A snapshot's period in words, where it has one of the shape the snapshot writes. */
function periodText(period: unknown): string {
  if (typeof period !== "object" || period === null) return "";
  const { from, to } = period as { readonly from?: unknown; readonly to?: unknown };
  return typeof from === "string" && typeof to === "string" ? `, fetched from ${from} to ${to}` : "";
}

/** What was looked for, in which snapshot and list of requests. */
export function reservationPolicy({ optOut }: ReleaseRecord): Statement[] {
  if (optOut === undefined) return [];
  const { agents, signals, snapshot, requests } = optOut.data;
  return [
    ...(signals.length === 0
      ? []
      : [
          stated(
            `Machine-readable reservations that were looked for: ${signals.map(signalText).join(", ")}; a page was left out when one of these agents may not fetch it or its use for training is reserved: ${agents.join(", ")}.`,
            optOut,
          ),
        ]),
    snapshot === null
      ? stated("No snapshot of what sites say was applied in retrospect.", optOut)
      : stated(
          `Applied in retrospect, whatever the date of a crawl: what ${amount(snapshot.hosts)} sites said${periodText(snapshot.period)} (snapshot SHA-256 ${snapshot.sha256 ?? "not recorded"}).`,
          optOut,
        ),
    ...(requests === null
      ? []
      : [
          stated(
            `Requests of rights holders and persons that were honoured: ${amount(requests.count)} (list SHA-256 ${requests.sha256 ?? "not recorded"}).`,
            optOut,
          ),
        ]),
  ];
}

/** Policy, then the counts of each step that applied it. */
export function reservations(record: ReleaseRecord): Statement[] {
  const counts = record.steps
    .filter(({ data }) => OPT_OUT.test(data.step))
    .flatMap((step) => {
      const { data } = step;
      const marks = [...data.marks].map(([mark, { documents }]) => `${mark} ${amount(documents)}`);
      return [
        stated(
          `Step ${data.step} of the data pipeline: kept ${amount(data.out.documents)} of ${amount(data.in.documents)} documents; ${droppedText(step)}.`,
          step,
        ),
        ...(marks.length === 0
          ? []
          : [
              stated(
                `Documents by signal and by agent refused (one may count under several): ${marks.join(", ")}.`,
                step,
              ),
            ]),
      ];
    });
  return [...reservationPolicy(record), ...counts];
}
