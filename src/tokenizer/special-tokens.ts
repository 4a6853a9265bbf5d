/**
 * @file The special-token block of Apertus (swiss-ai/apertus-tokenizer-development, `apertus_tokenizer_design.md`;
 * technical report §2.2): ids 0–72 have a meaning, the rest of the block is kept free for later. Ids are never
 * reassigned: a smaller block has fewer placeholders, nothing moves.
 */
import { assert } from "../core/index.ts";

/** A token that is matched in the text before byte-pair encoding. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Control tokens: never made from user text, left out of decoded text on request. */
  readonly special: boolean;
}

const NAMED = [
  ["<unk>", "<s>", "</s>", "<pad>"],
  ["[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]"],
  ["<SPECIAL_10>", "[PREFIX]", "[MIDDLE]", "[SUFFIX]"],
  ["\\begin{", "\\end{", "\\text{", "\\boxed{"],
  ["<filename>", "<gh_stars>", "<issue_start>", "<issue_comment>", "<issue_closed>"],
  ["<jupyter_start>", "<jupyter_text>", "<jupyter_code>", "<jupyter_output>", "<empty_output>"],
  ["<commit_before>", "<commit_msg>", "<commit_after>", "<reponame>"],
  ["<think>", "</think>", "<answer>", "</answer>"],
  ["<iban-pii>", "<email-pii>", "<ip-pii>"],
  ["<file_sep>", "<code_to_intermediate>", "<intermediate_to_code>"],
  ["<pr>", "<pr_status>", "<pr_is_merged>", "<pr_base>", "<pr_file>", "<pr_base_code>", "<pr_diff>"],
  ["<pr_diff_hunk>", "<pr_comment>", "<pr_event_id>", "<pr_review>", "<pr_review_state>"],
  ["<pr_review_comment>", "<pr_in_reply_to_review_id>", "<pr_in_reply_to_comment_id>"],
  ["<pr_diff_hunk_comment_line>"],
  ["<|fim_begin|>", "<|fim_hole|>", "<|fim_end|>"],
  ["<|system_start|>", "<|system_end|>", "<|developer_start|>", "<|developer_end|>"],
  ["<|user_start|>", "<|user_end|>", "<|assistant_start|>", "<|assistant_end|>"],
  ["<|inner_prefix|>", "<|inner_suffix|>", "<|tools_prefix|>", "<|tools_suffix|>"],
].flat();

/** The names of ids 0–72. */
export const NAMED_TOKENS: readonly string[] = NAMED;

/** The ids that the program itself speaks of. */
export const SPECIAL_IDS = {
  unk: 0,
  bos: 1,
  eos: 2,
  pad: 3,
  systemStart: 61,
  systemEnd: 62,
  developerStart: 63,
  developerEnd: 64,
  userStart: 65,
  userEnd: 66,
  assistantStart: 67,
  assistantEnd: 68,
  innerPrefix: 69,
  innerSuffix: 70,
  toolsPrefix: 71,
  toolsSuffix: 72,
} as const;

/** Apertus reserves 1000 ids; byte b has id 1000 + b there. */
export const APERTUS_SPECIAL_BLOCK = 1000;

/** The first `size` ids: the named ones, then `<SPECIAL_n>`. The four LaTeX openers (14–17) are ordinary text. */
export function specialBlock(size: number): AddedToken[] {
  assert(size >= NAMED.length, `the special block needs at least ${NAMED.length} ids, got ${size}`);
  return Array.from({ length: size }, (_, id) => ({
    id,
    content: NAMED[id] ?? `<SPECIAL_${id}>`,
    special: id < 14 || id > 17,
  }));
}
