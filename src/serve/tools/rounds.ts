/** @file How often a model may call tools before somebody has to ask it something again. */

/** Answers in a row that call tools. */
export const MAX_ROUNDS = 8;
