/**
 * @file What a site says about training in words of its own: the preferences of IETF AIPREF (`Content-Usage:
 * train-ai=n`, draft-ietf-aipref-attach and -vocab) and Cloudflare's Content Signals (`Content-Signal: ai-train=no`).
 */

/** From the narrowest category that covers training a generative model to the widest. */
const TRAINING_CATEGORIES = ["train-genai", "train-ai", "ai-train", "bots"] as const;

/**
 * Whether a list such as `train-ai=n, search=y` (a structured-field dictionary, RFC 9651 §3.2) refuses training: `true`
 * refused, `false` allowed, `undefined` when it says nothing about it. The narrowest category that is named decides;
 * of several entries for one key the last counts.
 */
export function refusesTraining(list: string): boolean | undefined {
  const values = new Map<string, string>();
  for (const entry of list.slice(0, 4096).split(",")) {
    const [key = "", value = ""] = entry.split(";", 1)[0]!.split("=", 2);
    values.set(key.trim().toLowerCase(), value.trim().toLowerCase());
  }
  for (const category of TRAINING_CATEGORIES) {
    const value = values.get(category);
    if (value === "n" || value === "no" || value === "?0") return true;
    if (value === "y" || value === "yes" || value === "?1") return false;
  }
  return undefined;
}
