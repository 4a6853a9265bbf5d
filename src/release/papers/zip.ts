/**
 * @file A ZIP archive of stored (not compressed) entries, as Office Open XML files are packed. Nothing is compressed so
 * that the same entries are the same bytes whatever zlib this Node.js carries. Source: PKWARE APPNOTE 6.3.10.
 */
import { crc32 } from "node:zlib";
import { assert } from "../../core/index.ts";

/** 1 January 1980, 00:00: the earliest moment a ZIP can say. */
const DOS_DATE = 0x0021;
const UTF8_NAMES = 0x0800;

export interface ZipEntry {
  /** `/`-separated, relative. */
  readonly name: string;
  readonly data: Uint8Array;
}

function header(entry: ZipEntry, name: Buffer, central: boolean): Buffer {
  const bytes = Buffer.alloc(central ? 46 : 30);
  let at = bytes.writeUInt32LE(central ? 0x02014b50 : 0x04034b50, 0);
  if (central) at = bytes.writeUInt16LE(20, at);
  at = bytes.writeUInt16LE(20, at);
  at = bytes.writeUInt16LE(UTF8_NAMES, at);
  at = bytes.writeUInt16LE(0, at);
  at = bytes.writeUInt16LE(0, at);
  at = bytes.writeUInt16LE(DOS_DATE, at);
  at = bytes.writeUInt32LE(crc32(entry.data), at);
  at = bytes.writeUInt32LE(entry.data.length, at);
  at = bytes.writeUInt32LE(entry.data.length, at);
  bytes.writeUInt16LE(name.length, at);
  return bytes;
}

/** The archive of `entries` in their order. Less than 4 GiB in all. */
export function zip(entries: readonly ZipEntry[]): Buffer {
  const local: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name);
    const record = header(entry, name, true);
    record.writeUInt32LE(offset, 42);
    central.push(record, name);
    const front = header(entry, name, false);
    local.push(front, name, entry.data);
    offset += front.length + name.length + entry.data.length;
  }
  const size = central.reduce((sum, part) => sum + part.length, 0);
  assert(offset + size < 2 ** 32, "the archive stays below 4 GiB");
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, ...central, end]);
}
