/**
 * @file What harm looks like: a valid file with a few edits of the kinds that break parsers (flipped bits, cuts, doubled and
 * moved pieces, lying lengths and counts, deep nesting, NULs, bytes that are no UTF-8, very long runs), or any bytes at all.
 */
import fc from "fast-check";

/** Openers of every format that nests. */
const OPENERS = [
  "[",
  "{",
  "(",
  "<a>",
  '{"a":',
  "[[",
  "- ",
  "<div>",
  "{{",
  "{% if a %}",
  "\\(",
  "((",
  "[{",
  "(a OR ",
];
/** Runs that make patterns try again and again. */
const RUNS = [
  " ",
  "\t",
  "\n",
  "\r\n",
  "a",
  "0",
  "-",
  ".",
  "/",
  "\\",
  '"',
  "'",
  "*",
  ":",
  ",",
  "=",
  "&",
  "@",
  "_",
  "\u0000",
];
/** What numbers written as text are replaced by. */
const NUMBERS = [
  "0",
  "-1",
  "1e999",
  "-0",
  "99999999999999999999",
  "9007199254740993",
  "4294967296",
  "0x10",
  "NaN",
  "1.5",
  "0000000001",
];
/** Little pieces that mean something in one format or another. */
const PIECES = [
  "\u0000",
  "\ufeff",
  "\u2028",
  "null",
  "true",
  '""',
  "[]",
  "{}",
  '"__proto__"',
  "constructor",
  "../../",
  "%00",
  "%",
  "\\u",
  "\\ud800",
  "&#x110000;",
  "]]>",
  "<!--",
  "*/",
  "\r\n\r\n",
  "\n\n",
  ";;",
  "${a}",
  "!!js/function",
  "&a *a",
];
const NO_UTF8 = [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82], [0x80]];
/** Lengths and counts that lie, as the bits of a 64-bit integer. */
const COUNTS = [
  0n,
  1n,
  0x7fn,
  0xffn,
  0x7fffn,
  0xffffn,
  0x10000n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  1n << 53n,
  (1n << 63n) - 1n,
  1n << 63n,
  (1n << 64n) - 1n,
];

/** Where in the file, as a share of its length: so that an edit means something whatever the edits before it did. */
const place = fc.nat(999_999).map((share) => share / 1_000_000);

/** Puts `bytes` in the place of `removed` bytes at a share of the file. */
function splice(file: Buffer, share: number, removed: number, bytes: Uint8Array): Buffer {
  const at = Math.floor(share * file.length);
  return Buffer.concat([file.subarray(0, at), bytes, file.subarray(Math.min(file.length, at + removed))]);
}

type Edit = (file: Buffer) => Buffer;

const flip = fc.tuple(place, fc.nat(7)).map(
  ([share, bit]): Edit =>
    (file) => {
      if (file.length === 0) return file;
      const changed = Buffer.from(file);
      changed[Math.floor(share * file.length)]! ^= 1 << bit;
      return changed;
    },
);
const overwrite = fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 8 })).map(
  ([share, bytes]): Edit =>
    (file) =>
      splice(file, share, bytes.length, bytes),
);
const insert = fc
  .tuple(
    place,
    fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc.constantFrom(...PIECES).map((piece) => Buffer.from(piece)),
      fc.constantFrom(...NO_UTF8).map((bytes) => Buffer.from(bytes)),
    ),
  )
  .map(
    ([share, bytes]): Edit =>
      (file) =>
        splice(file, share, 0, bytes),
  );
const truncate = place.map(
  (share): Edit =>
    (file) =>
      file.subarray(0, Math.floor(share * file.length)),
);
const remove = fc.tuple(place, fc.integer({ min: 1, max: 40 })).map(
  ([share, length]): Edit =>
    (file) =>
      splice(file, share, length, Buffer.alloc(0)),
);
const double = fc.tuple(place, place, fc.integer({ min: 1, max: 200 })).map(
  ([from, to, length]): Edit =>
    (file) => {
      const at = Math.floor(from * file.length);
      return splice(file, to, 0, Buffer.from(file.subarray(at, at + length)));
    },
);
const lie = fc.tuple(place, fc.constantFrom(...COUNTS), fc.constantFrom(1, 2, 4, 8), fc.boolean()).map(
  ([share, count, width, littleEndian]): Edit =>
    (file) => {
      const eight = Buffer.alloc(8);
      if (littleEndian) eight.writeBigUInt64LE(count);
      else eight.writeBigUInt64BE(count);
      return splice(file, share, width, littleEndian ? eight.subarray(0, width) : eight.subarray(8 - width));
    },
);
/** The first number written in digits after a place becomes another. */
const renumber = fc.tuple(place, fc.constantFrom(...NUMBERS)).map(
  ([share, number]): Edit =>
    (file) => {
      const text = file.toString("latin1");
      const start = Math.floor(share * text.length);
      const digits = /\d{1,20}/.exec(text.slice(start, start + 500));
      if (digits === null) return file;
      const at = start + digits.index;
      return Buffer.from(text.slice(0, at) + number + text.slice(at + digits[0].length), "latin1");
    },
);
const nest = fc.tuple(place, fc.constantFrom(...OPENERS), fc.constantFrom(3, 200, 20_000)).map(
  ([share, opener, depth]): Edit =>
    (file) =>
      splice(file, share, 0, Buffer.from(opener.repeat(depth))),
);
const run = fc.tuple(place, fc.constantFrom(...RUNS), fc.constantFrom(30, 3000, 70_000)).map(
  ([share, unit, length]): Edit =>
    (file) =>
      splice(file, share, 0, Buffer.from(unit.repeat(length))),
);

/** A value of a JSON file, or a new one beside it, that nests deeply and is closed again: what comes after parsing must bear it. */
const deepen = fc
  .tuple(
    place,
    fc.constantFrom<readonly [string, string]>(["[", "]"], ['{"a":', "}"]),
    fc.constantFrom(50, 20_000),
    fc.boolean(),
  )
  .map(
    ([share, [open, close], depth, beside]): Edit =>
      (file) => {
        const text = file.toString("latin1");
        const value = `${open.repeat(depth)}1${close.repeat(depth)}`;
        const found = (beside ? /\{/g : /(?<=[[:,]\s*)(?:"[^"\\]*"(?!\s*:)|\d+|true|null)/g).exec(
          text.slice(Math.floor(share * text.length)),
        );
        if (found === null) return file;
        const at = Math.floor(share * text.length) + found.index;
        const put = beside ? `{"more":${value},` : value;
        return Buffer.from(text.slice(0, at) + put + text.slice(at + found[0].length), "latin1");
      },
  );

const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 4, arbitrary: flip },
  { weight: 3, arbitrary: overwrite },
  { weight: 4, arbitrary: insert },
  { weight: 2, arbitrary: truncate },
  { weight: 3, arbitrary: remove },
  { weight: 3, arbitrary: double },
  { weight: 3, arbitrary: lie },
  { weight: 3, arbitrary: renumber },
  { weight: 1, arbitrary: nest },
  { weight: 2, arbitrary: deepen },
  { weight: 1, arbitrary: run },
);

/** One of `samples` with one to five edits; one time in ten, any bytes. */
export function mutated(samples: readonly Uint8Array[]): fc.Arbitrary<Buffer> {
  const changed = fc
    .tuple(fc.nat(samples.length - 1), fc.array(edit, { minLength: 1, maxLength: 5, size: "max" }))
    .map(([which, edits]) =>
      edits.reduce<Buffer>((file, apply) => apply(file), Buffer.from(samples[which]!)),
    );
  const anything = fc.uint8Array({ maxLength: 300 }).map((bytes): Buffer => Buffer.from(bytes));
  return fc.oneof({ weight: 9, arbitrary: changed }, { weight: 1, arbitrary: anything });
}

/** Pieces that, repeated, keep a pattern busy: openers without ends, and what a pattern may take in two ways. */
const REPEATED = [
  "a ",
  "1.",
  "a@",
  "a.",
  "://",
  "é",
  "\u0301",
  "<",
  ">",
  "&amp;",
  "ab,",
  "%41",
  "[a](b)",
  "-\n",
  "a=b;",
  " \n",
  "\u2028",
];

/** Long texts of one repeated piece, between a beginning and an end. */
export function* longRuns(
  bytes: number,
  [before, after]: readonly [string, string],
  pieces: readonly string[] = [],
): Generator<string> {
  for (const piece of [...RUNS, ...OPENERS, ...REPEATED, ...pieces])
    yield before + piece.repeat(Math.ceil(bytes / Buffer.byteLength(piece))) + after;
}
