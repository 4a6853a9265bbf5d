/** @file UTF-8 of short runs of UTF-16 units, in a buffer that is used again and again. */

const KEPT_BYTES = 1 << 16;

export class Utf8Buffer {
  /** The bytes of the latest `fill`, from the start; what is behind them means nothing. */
  bytes = new Uint8Array(1024);

  /** Writes the UTF-8 of `units[start … end)`, which is well-formed, and returns its length in bytes. */
  fill(units: Uint16Array, start: number, end: number): number {
    if (3 * (end - start) > this.bytes.length) this.bytes = new Uint8Array(3 * (end - start));
    const { bytes } = this;
    let length = 0;
    for (let i = start; i < end; i++) {
      const unit = units[i]!;
      if (unit < 0x80) bytes[length++] = unit;
      else if (unit < 0x800) {
        bytes[length++] = 0xc0 | (unit >> 6);
        bytes[length++] = 0x80 | (unit & 0x3f);
      } else if ((unit & 0xfc00) === 0xd800) {
        i += 1;
        const code = 0x10000 + ((unit & 0x3ff) << 10) + (units[i]! & 0x3ff);
        bytes[length++] = 0xf0 | (code >> 18);
        bytes[length++] = 0x80 | ((code >> 12) & 0x3f);
        bytes[length++] = 0x80 | ((code >> 6) & 0x3f);
        bytes[length++] = 0x80 | (code & 0x3f);
      } else {
        bytes[length++] = 0xe0 | (unit >> 12);
        bytes[length++] = 0x80 | ((unit >> 6) & 0x3f);
        bytes[length++] = 0x80 | (unit & 0x3f);
      }
    }
    return length;
  }

  /** Gives back what a very long run took. */
  release(): void {
    if (this.bytes.length > KEPT_BYTES) this.bytes = new Uint8Array(1024);
  }
}

/** How many bytes the UTF-8 of `units[start … end)` has. */
export function utf8Length(units: Uint16Array, start: number, end: number): number {
  let length = end - start;
  for (let i = start; i < end; i++) {
    const unit = units[i]!;
    // Each half of a pair stands for two of the pair's four bytes.
    if (unit >= 0x80) length += unit < 0x800 || (unit & 0xf800) === 0xd800 ? 1 : 2;
  }
  return length;
}
