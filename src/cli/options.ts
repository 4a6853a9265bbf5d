/** @file Option values are text until a zod schema has looked at them; a wrong one is the caller's mistake. */
import { z } from "zod";
import { FirnError } from "../core/index.ts";
import type { CommandCall } from "./command.ts";

/** Where artifacts live unless `--store` says otherwise, relative to the working directory. */
export const DEFAULT_STORE = "store";

/** The `--store` option in every command's schema. */
export const storeOption = z.string().min(1).default(DEFAULT_STORE);

/** An integer option with bounds, from its text. */
export function integerOption(minimum: number, maximum: number): z.ZodType<number, string> {
  return z
    .string()
    .regex(/^\d{1,15}$/, `a whole number from ${minimum} to ${maximum}`)
    .transform(Number)
    .pipe(z.number().int().min(minimum).max(maximum));
}

/** A number option with bounds, from its text. */
export function numberOption(minimum: number, maximum: number): z.ZodType<number, string> {
  return z
    .string()
    .regex(/^\d+(\.\d+)?$/, `a number from ${minimum} to ${maximum}`)
    .transform(Number)
    .pipe(z.number().min(minimum).max(maximum));
}

const SIZE_UNIT: Readonly<Record<string, number>> = { "": 1, K: 1e3, M: 1e6, G: 1e9, T: 1e12 };

/** An option for a number of bytes with bounds, from its text: `5GB`, `200 MB`, `1000`; units are powers of 1000. */
export function sizeOption(minimum: number, maximum: number): z.ZodType<number, string> {
  return z
    .string()
    .regex(/^\d+(\.\d+)? ?[KMGT]?B?$/i, "a size such as 5GB")
    .transform((text) => {
      const [, number, unit] = /^([\d.]+) ?([KMGT]?)/i.exec(text)!;
      return Math.round(Number(number) * SIZE_UNIT[unit!.toUpperCase()]!);
    })
    .pipe(z.number().int().min(minimum).max(maximum));
}

/** `call.options` as `schema` understands them. */
export function parseOptions<T>(schema: z.ZodType<T>, call: CommandCall): T {
  const parsed = schema.safeParse(call.options);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const name = String(issue.path[0] ?? "option").replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new FirnError("CLI_BAD_OPTION", {
    expected: `--${name} to be ${issue.message.replace(/^Invalid input: expected /, "")}`,
    got: JSON.stringify(call.options[String(issue.path[0])] ?? null),
    next: "Run the command with --help to see what each option takes.",
  });
}
