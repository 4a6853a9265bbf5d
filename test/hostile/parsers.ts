/** @file Every parser of foreign bytes: what the two tests beside it feed, and what CONTRIBUTING.md lists. */
import { artifactParsers } from "../artifacts/parsers.ts";
import { optOutParsers } from "../data/optout-parsers.ts";
import { dataParsers } from "../data/parsers.ts";
import { cliParsers } from "../cli/parsers.ts";
import { generateParsers } from "../generate/parsers.ts";
import { ledgerParsers } from "../ledger/parsers.ts";
import { recipeParsers } from "../recipes/parsers.ts";
import { releaseParsers } from "../release/parsers.ts";
import { serveParsers } from "../serve/parsers.ts";
import { tokenizerParsers } from "../tokenizer/parsers.ts";
import type { HostileParser } from "./parser.ts";

export const PARSERS: readonly HostileParser[] = [
  ...artifactParsers,
  ...dataParsers,
  ...optOutParsers,
  ...tokenizerParsers,
  ...releaseParsers,
  ...generateParsers,
  ...ledgerParsers,
  ...recipeParsers,
  ...cliParsers,
  ...serveParsers,
];
