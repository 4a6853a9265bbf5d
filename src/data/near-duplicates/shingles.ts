/**
 * @file A text as a set of hashed word n-grams ("shingles"), blind to what copies of a text differ in: case, accents,
 * punctuation, digits and white space (as datatrove simplifies text before MinHash). Scripts that do not put spaces
 * between words are cut into characters.
 */

const SEPARATOR = 0;
const SKIPPED = 1;

/** Scripts written without spaces between words. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}\u30fc]/u;
const WORD = /[\p{L}\p{M}\p{N}]/u;

/** Per UTF-16 unit: what it is folded to; the highest bit of `kinds` marks a word of its own. */
interface FoldTable {
  readonly folded: Uint16Array;
  readonly alone: Uint8Array;
}

function foldUnit(unit: number): number {
  const character = String.fromCharCode(unit);
  if (/\p{Nd}/u.test(character)) return 0x30;
  const bare = character.toLowerCase().normalize("NFD");
  // Accents go where they are a matter of spelling habits; vowel signs of other scripts are letters.
  if (/[\u0300-\u036f]/.test(character)) return SKIPPED;
  if (
    bare.length > 1 &&
    /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}][\u0300-\u036f]+$/u.test(bare)
  ) {
    return bare.charCodeAt(0);
  }
  const lower = character.toLowerCase();
  return lower.length === 1 ? lower.charCodeAt(0) : unit;
}

function makeTable(): FoldTable {
  const folded = new Uint16Array(65_536);
  const alone = new Uint8Array(65_536);
  for (let unit = 0; unit < 65_536; unit++) {
    const character = String.fromCharCode(unit);
    const surrogate = unit >= 0xd800 && unit <= 0xdfff;
    if (!surrogate && !WORD.test(character)) continue;
    folded[unit] = surrogate ? unit : foldUnit(unit);
    if (!surrogate && UNSPACED.test(character)) alone[unit] = 1;
  }
  return { folded, alone };
}

let table: FoldTable | undefined;

/** MurmurHash3's finaliser: every bit of the input decides every bit of the output. */
function mix(hash: number): number {
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

const START = 0x811c9dc5 | 0;

/** Room for the words of one text, grown as needed and used again for the next. */
let words = new Int32Array(1 << 12);

function push(count: number, hash: number): number {
  if (count === words.length) {
    const larger = new Int32Array(words.length * 2);
    larger.set(words);
    words = larger;
  }
  words[count] = mix(hash);
  return count + 1;
}

/** Fills `words` with one hash per word; returns how many. */
function hashWords(text: string): number {
  table ??= makeTable();
  const { folded, alone } = table;
  let count = 0;
  let hash = START;
  let inWord = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const fold = folded[unit]!;
    if (fold === SEPARATOR || alone[unit] === 1) {
      if (inWord) count = push(count, hash);
      hash = START;
      inWord = false;
      if (fold !== SEPARATOR) count = push(count, Math.imul(START ^ fold, 0x01000193));
    } else if (fold !== SKIPPED) {
      hash = Math.imul(hash ^ fold, 0x01000193);
      inWord = true;
    }
  }
  return inWord ? push(count, hash) : count;
}

/**
 * The hashes of the runs of `n` words of `text`, one per place (a run that comes twice is there twice). A text of
 * fewer words is one run; a text without words has none.
 */
export function shingleHashes(text: string, n: number): Int32Array {
  const count = hashWords(text);
  if (count === 0) return new Int32Array(0);
  const length = Math.min(n, count);
  const hashes = new Int32Array(count - length + 1);
  for (let start = 0; start < hashes.length; start++) {
    let hash = length;
    for (let i = start; i < start + length; i++) {
      hash = Math.imul((hash << 5) | (hash >>> 27), 0x9e3779b1) ^ words[i]!;
    }
    hashes[start] = mix(hash);
  }
  return hashes;
}
