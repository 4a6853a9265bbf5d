/**
 * @file The files of `torch.save`: a ZIP archive without compression, in which `data.pkl` describes the values and every
 * tensor's numbers are an entry `data/N`. Sizes are 64-bit (ZIP64), entries begin at multiples of 64.
 * Source: PyTorch `caffe2/serialize/inline_container.cc`, `torch/serialization.py`; PKWARE APPNOTE.TXT 6.3.
 */
import { type FileHandle, open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { AtomicFile } from "../../artifacts/index.ts";
import { assert, FirnError, systemErrorCode } from "../../core/index.ts";
import { NotAPickle, type Pickle } from "./pickle.ts";
import { readPickle } from "./read-pickle.ts";
import { writePickle } from "./write-pickle.ts";

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const DESCRIPTOR = 0x08074b50;
const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
/** Version of the format that knows 64-bit sizes. */
const VERSION = 45;
/** Sizes follow the data; names are UTF-8. */
const FLAGS = 0x0808;
const IN_EXTRA = 0xffffffff;
const ZIP64 = 0x0001;
/** PyTorch's own extra field, which only takes room. */
const PADDING = 0x4246;
const ALIGNMENT = 64;
const MAX_PICKLE_BYTES = 256 << 20;
const MAX_DIRECTORY_BYTES = 256 << 20;

interface Entry {
  readonly name: Buffer;
  readonly crc: number;
  readonly bytes: number;
  readonly offset: number;
}

/** A record from fields of 2, 4 and 8 bytes. */
function fields(...values: readonly (readonly [2 | 4 | 8, number])[]): Buffer {
  const out = Buffer.alloc(values.reduce((sum, [width]) => sum + width, 0));
  let at = 0;
  for (const [width, value] of values) {
    if (width === 2) out.writeUInt16LE(value, at);
    else if (width === 4) out.writeUInt32LE(value, at);
    else out.writeBigUInt64LE(BigInt(value), at);
    at += width;
  }
  return out;
}

async function writeEntry(
  file: AtomicFile,
  name: string,
  data: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<Entry> {
  const offset = file.bytes;
  const label = Buffer.from(name);
  const zip64 = fields([2, ZIP64], [2, 16], [8, 0], [8, 0]);
  const before = offset + 30 + label.length + zip64.length + 4;
  const padding = (ALIGNMENT - (before % ALIGNMENT)) % ALIGNMENT;
  const extra = Buffer.concat([zip64, fields([2, PADDING], [2, padding]), Buffer.alloc(padding)]);
  await file.write(
    Buffer.concat([
      fields(
        [4, LOCAL],
        [2, VERSION],
        [2, FLAGS],
        [2, 0],
        [2, 0],
        [2, 0],
        [4, 0],
        [4, IN_EXTRA],
        [4, IN_EXTRA],
      ),
      fields([2, label.length], [2, extra.length]),
      label,
      extra,
    ]),
  );
  let crc = 0;
  let bytes = 0;
  for await (const piece of data) {
    crc = crc32(piece, crc);
    bytes += piece.length;
    await file.write(piece);
  }
  await file.write(fields([4, DESCRIPTOR], [4, crc], [8, bytes], [8, bytes]));
  return { name: label, crc, bytes, offset };
}

function centralRecord({ name, crc, bytes, offset }: Entry): Buffer {
  const extra = fields([2, ZIP64], [2, 24], [8, bytes], [8, bytes], [8, offset]);
  return Buffer.concat([
    fields([4, CENTRAL], [2, VERSION], [2, VERSION], [2, FLAGS], [2, 0], [2, 0], [2, 0], [4, crc]),
    fields([4, IN_EXTRA], [4, IN_EXTRA], [2, name.length], [2, extra.length], [2, 0], [2, 0], [2, 0], [4, 0]),
    fields([4, IN_EXTRA]),
    name,
    extra,
  ]);
}

/** The numbers of one storage, in the order in which `root` refers to them: storage i is `data/i`. */
export type StorageSource = () => Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * Writes a file that `torch.load` reads, atomically, one piece of a storage in memory at a time.
 *
 * @param archive the name inside the archive, as PyTorch takes it from the file's
 * @throws FirnError `DISK_…`
 */
export async function writeTorchFile(
  path: string,
  archive: string,
  root: Pickle,
  storages: readonly StorageSource[],
  onStorage: (index: number) => void = () => undefined,
): Promise<void> {
  const file = await AtomicFile.create(path);
  try {
    const entries = [await writeEntry(file, `${archive}/data.pkl`, [writePickle(root)])];
    entries.push(await writeEntry(file, `${archive}/byteorder`, [Buffer.from("little")]));
    for (const [index, data] of storages.entries()) {
      entries.push(await writeEntry(file, `${archive}/data/${index}`, data()));
      onStorage(index);
    }
    entries.push(await writeEntry(file, `${archive}/version`, [Buffer.from("3\n")]));
    const directory = file.bytes;
    for (const entry of entries) await file.write(centralRecord(entry));
    const end = file.bytes;
    const count = entries.length;
    await file.write(
      Buffer.concat([
        fields([4, END_64], [8, 44], [2, VERSION], [2, VERSION], [4, 0], [4, 0], [8, count], [8, count]),
        fields([8, end - directory], [8, directory]),
        fields([4, LOCATOR_64], [4, 0], [8, end], [4, 1]),
        fields([4, END], [2, 0], [2, 0], [2, 0xffff], [2, 0xffff], [4, IN_EXTRA], [4, IN_EXTRA], [2, 0]),
      ]),
    );
    await file.commit();
  } catch (error) {
    await file.abandon();
    throw error;
  }
}

/** Something in the archive that cannot be. */
class Broken extends Error {}

function refuse(path: string, got: string, cause?: unknown): FirnError {
  return new FirnError("RELEASE_TORCH_FILE", {
    expected: "a checkpoint file as torch.save writes it (ZIP, not compressed)",
    got,
    where: path,
    next: "The file is damaged or of another format: copy it again, or save it anew with a current PyTorch.",
    cause,
  });
}

async function readAt(handle: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, length - done, at + done);
    if (bytesRead === 0) throw new Broken("a file that is cut short");
    done += bytesRead;
  }
  return bytes;
}

const u64 = (bytes: Buffer, at: number): number => {
  const value = bytes.readBigUInt64LE(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Broken("a size beyond every disk");
  return Number(value);
};

/** Where the directory of the archive lies. */
async function findDirectory(handle: FileHandle, size: number): Promise<{ at: number; bytes: number }> {
  const length = Math.min(size, 65_557);
  const tail = await readAt(handle, size - length, length);
  const end = tail.lastIndexOf(fields([4, END]));
  if (end < 0 || end + 22 > length) throw new Broken("no end of a ZIP archive");
  let bytes = tail.readUInt32LE(end + 12);
  let at = tail.readUInt32LE(end + 16);
  if (end >= 20 && tail.readUInt32LE(end - 20) === LOCATOR_64) {
    const record = await readAt(handle, u64(tail, end - 12), 56);
    if (record.readUInt32LE(0) !== END_64) throw new Broken("a ZIP64 archive without its end");
    bytes = u64(record, 40);
    at = u64(record, 48);
  }
  if (at + bytes > size || bytes > MAX_DIRECTORY_BYTES) throw new Broken("a directory outside the file");
  return { at, bytes };
}

/** Entry name → size and place of its local header. */
async function readDirectory(
  handle: FileHandle,
  size: number,
): Promise<Map<string, { bytes: number; at: number }>> {
  const { at, bytes } = await findDirectory(handle, size);
  const directory = await readAt(handle, at, bytes);
  const entries = new Map<string, { bytes: number; at: number }>();
  for (let p = 0; p < bytes; ) {
    if (p + 46 > bytes || directory.readUInt32LE(p) !== CENTRAL) throw new Broken("a broken directory");
    const [nameLength, extraLength, noteLength] = [28, 30, 32].map((field) =>
      directory.readUInt16LE(p + field),
    );
    const next = p + 46 + nameLength! + extraLength! + noteLength!;
    if (next > bytes) throw new Broken("a broken directory");
    const name = directory.toString("utf8", p + 46, p + 46 + nameLength!);
    if (directory.readUInt16LE(p + 10) !== 0) throw new Broken(`${name}, which is compressed`);
    let length = directory.readUInt32LE(p + 24);
    let header = directory.readUInt32LE(p + 42);
    for (let x = p + 46 + nameLength!; x + 4 <= next - noteLength!; x += 4 + directory.readUInt16LE(x + 2)) {
      if (directory.readUInt16LE(x) !== ZIP64) continue;
      // Only those fields are there that did not fit: size, packed size, place.
      let field = x + 4;
      const wide = (narrow: number): number => {
        if (narrow !== IN_EXTRA || field + 8 > next) return narrow;
        field += 8;
        return u64(directory, field - 8);
      };
      length = wide(length);
      wide(directory.readUInt32LE(p + 20));
      header = wide(header);
    }
    if (header + length > size) throw new Broken(`${name} outside the file`);
    entries.set(name, { bytes: length, at: header });
    p = next;
  }
  return entries;
}

/** An open file of `torch.save`. */
export class TorchFile {
  readonly path: string;
  /** What was saved; tensors refer to storages. */
  readonly root: Pickle;
  readonly #handle: FileHandle;
  readonly #prefix: string;
  readonly #entries: ReadonlyMap<string, { bytes: number; at: number }>;

  private constructor(
    path: string,
    handle: FileHandle,
    prefix: string,
    entries: ReadonlyMap<string, { bytes: number; at: number }>,
    root: Pickle,
  ) {
    this.path = path;
    this.root = root;
    this.#handle = handle;
    this.#prefix = prefix;
    this.#entries = entries;
  }

  /** Throws `RELEASE_TORCH_FILE`. */
  static async open(path: string): Promise<TorchFile> {
    const handle = await open(path, "r").catch((cause: unknown) => {
      throw refuse(path, systemErrorCode(cause) ?? "an error", cause);
    });
    try {
      const entries = await readDirectory(handle, (await handle.stat()).size);
      const pickle = [...entries.keys()].find((name) => /^[^/]+\/data\.pkl$/.test(name));
      if (pickle === undefined) throw new Broken("an archive without data.pkl");
      const prefix = pickle.slice(0, -"data.pkl".length);
      const { bytes } = entries.get(pickle)!;
      if (bytes > MAX_PICKLE_BYTES) throw new Broken(`a data.pkl of ${bytes} bytes`);
      const data = await readAt(handle, await dataStart(handle, entries.get(pickle)!.at), bytes);
      const order = entries.get(`${prefix}byteorder`);
      if (order !== undefined) {
        const text = await readAt(handle, await dataStart(handle, order.at), Math.min(order.bytes, 16));
        if (text.toString() !== "little") throw new Broken("numbers in big-endian order");
      }
      return new TorchFile(path, handle, prefix, entries, readPickle(data));
    } catch (error) {
      await handle.close();
      if (error instanceof Broken || error instanceof NotAPickle || error instanceof RangeError)
        throw refuse(path, error.message, error);
      throw error;
    }
  }

  /** Where a storage's numbers lie in the file. Throws `RELEASE_TORCH_FILE`. */
  async storage(key: string): Promise<{ at: number; bytes: number }> {
    const entry = this.#entries.get(`${this.#prefix}data/${key}`);
    if (entry === undefined) throw refuse(this.path, `no storage ${key}`);
    try {
      return { at: await dataStart(this.#handle, entry.at), bytes: entry.bytes };
    } catch (error) {
      if (error instanceof Broken) throw refuse(this.path, error.message, error);
      throw error;
    }
  }

  /** `length` bytes of the file from `at`. */
  async read(at: number, length: number): Promise<Buffer> {
    assert(length >= 0 && at >= 0, "a range of a file");
    try {
      return await readAt(this.#handle, at, length);
    } catch (error) {
      if (error instanceof Broken) throw refuse(this.path, error.message, error);
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** Where the data of an entry begin, behind its local header. */
async function dataStart(handle: FileHandle, header: number): Promise<number> {
  const local = await readAt(handle, header, 30);
  if (local.readUInt32LE(0) !== LOCAL) throw new Broken("an entry without its header");
  return header + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
}
