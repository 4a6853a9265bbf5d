/** @file Every parser of foreign bytes: what the two tests beside it feed, and what docs/hostile-input.md lists. */
import { artifactParsers } from "../artifacts/parsers.ts";
import { dataParsers } from "../data/parsers.ts";
import { ledgerParsers } from "../ledger/parsers.ts";
import { recipeParsers } from "../recipes/parsers.ts";
import { releaseParsers } from "../release/parsers.ts";
import { serveParsers } from "../serve/parsers.ts";
import { tokenizerParsers } from "../tokenizer/parsers.ts";
import type { HostileParser } from "./parser.ts";

export const PARSERS: readonly HostileParser[] = [
  ...artifactParsers,
  ...dataParsers,
  ...tokenizerParsers,
  ...releaseParsers,
  ...ledgerParsers,
  ...recipeParsers,
  ...serveParsers,
];
