/**
 * @file Keeps what its licences allow. Two licences count: that of the compilation (what the source declares of itself),
 * and that of the content (what the document carries, or the source declares of its texts).
 */
import { allowsLicence, normaliseLicence } from "../licence.ts";
import type { DocumentStep } from "./step.ts";

export interface LicenceRules {
  /** SPDX ids; everything passes when left out. */
  readonly compilation?: readonly string[] | undefined;
  readonly content?: readonly string[] | undefined;
}

/** `compilations` maps each source to its licence. Reasons: `compilation-licence`, `content-licence`. */
export function licenceStep(
  { compilation, content }: LicenceRules,
  compilations: Readonly<Record<string, string>>,
): DocumentStep {
  const compilationSet = new Set(compilation?.map(normaliseLicence));
  const contentSet = new Set(content?.map(normaliseLicence));
  const known = new Map<string, boolean>();
  const allows = (kind: string, set: ReadonlySet<string>, licence: string): boolean => {
    const key = `${kind}\n${licence}`;
    let allowed = known.get(key);
    if (allowed === undefined) {
      allowed = allowsLicence(set, licence);
      if (known.size < 10_000) known.set(key, allowed);
    }
    return allowed;
  };
  return {
    name: "licence",
    judge(document) {
      const declared = compilations[document.source]!;
      if (compilation !== undefined && !allows("compilation", compilationSet, declared))
        return { reason: "compilation-licence", detail: declared };
      if (content !== undefined && !allows("content", contentSet, document.licence))
        return { reason: "content-licence", detail: document.licence };
      return { keep: document };
    },
  };
}
