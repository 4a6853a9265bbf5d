/** @file Leaves out what its authors or their sites do not want trained on; what refused it is kept as evidence. */
import { findRefusals, type OptOutPolicy } from "../optout/policy.ts";
import type { OptOutRequests } from "../optout/requests.ts";
import type { DocumentStep } from "./step.ts";

/** Reason: `request`, for a request by the hash of the text as it would go into training. */
export function requestedTextStep(requests: OptOutRequests): DocumentStep {
  return {
    name: "opt-out-text",
    judge(document) {
      const request = requests.find({ url: null, sha256: document.sha256 });
      if (request === undefined) return { keep: document };
      return {
        reason: "request",
        detail: `request ${request.id} of ${request.date}`,
        marks: ["signal request"],
      };
    },
  };
}

/**
 * Reasons: the signals of `OPTOUT_SIGNALS`; the detail is the raw line, its origin and date, and the agents. Marks count
 * every signal and every agent that refused, also where several did.
 */
export function optOutStep(policy: OptOutPolicy): DocumentStep {
  return {
    name: "opt-out",
    judge(document) {
      const refusals = findRefusals(document, policy);
      const first = refusals[0];
      if (first === undefined) return { keep: document };
      const agents = first.agents.length === 0 ? "" : ` for ${first.agents.join(", ")}`;
      const marks = new Set<string>();
      for (const { signal, agents: refused } of refusals) {
        marks.add(`signal ${signal}`);
        for (const agent of refused) marks.add(`agent ${agent}`);
      }
      return {
        reason: first.signal,
        detail: `${first.evidence}${agents}`.slice(0, 2000),
        marks: [...marks].sort(),
      };
    },
  };
}
