/**
 * @file Parquet tables, read and written row group by row group. A thin layer over hyparquet and hyparquet-writer
 * that adds bounded memory, atomic files, bytes that depend on nothing but the rows, and errors that name the place.
 */
import { open } from "node:fs/promises";
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync } from "hyparquet";
import { parquetReadColumn } from "hyparquet/src/read.js";
import { ByteWriter, ParquetWriter, type SchemaElement } from "hyparquet-writer";
import { assert, BugError, describeError, FirnError, nearestName } from "../core/index.ts";
import { AtomicFile, type FilePoint } from "./atomic.ts";
import { checkColumn } from "./parquet-guard.ts";
import { loadZstd, type Zstd } from "./zstd.ts";

/** What a column of our own tables may hold. `INT64` takes safe integers and bigints. */
export type ParquetType = "STRING" | "BOOLEAN" | "INT32" | "INT64" | "FLOAT" | "DOUBLE";

export interface ParquetColumn {
  readonly name: string;
  readonly type: ParquetType;
  /** Allows `null` (and a missing property). Default: every row must have a value. */
  readonly nullable?: boolean;
}

export type ParquetValue = string | number | bigint | boolean | null | undefined;

export interface ParquetWriterOptions {
  readonly columns: readonly ParquetColumn[];
  /** A row group ends after this many rows … (default 16,384) */
  readonly rowGroupRows?: number;
  /** … or after about this many characters of text, whichever comes first (default 16 Mi). */
  readonly rowGroupCharacters?: number;
  /** `zstd` (default) is a third smaller on text; `snappy` is faster to read in JavaScript. */
  readonly codec?: "zstd" | "snappy";
  /** The file knows its `point`, where a later run can go on. */
  readonly resumable?: boolean;
}

/** A place inside a table being written: what is on the disk, and the rows that wait for their row group. */
export interface ParquetPoint {
  readonly file: FilePoint;
  readonly rows: number;
  readonly pending: readonly ParquetValue[][];
  readonly characters: number;
  /** What the footer will say of the row groups. */
  readonly footer: Pick<ParquetWriter, "row_groups" | "pendingIndexes" | "num_rows">;
}

function schemaOf(columns: readonly ParquetColumn[]): SchemaElement[] {
  return [
    { name: "root", num_children: columns.length },
    ...columns.map(({ name, type, nullable }): SchemaElement => {
      const repetition_type = nullable === true ? "OPTIONAL" : "REQUIRED";
      return type === "STRING"
        ? { name, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type }
        : { name, type, repetition_type };
    }),
  ];
}

/** The value as hyparquet-writer wants it; a value of the wrong kind is a fault of the stage that made it. */
function checkValue(column: ParquetColumn, value: ParquetValue): ParquetValue {
  if (value === null || value === undefined) {
    assert(column.nullable === true, `column ${column.name} got no value`);
    return null;
  }
  const fail = (): never => {
    throw new BugError(
      `column ${column.name} (${column.type}) got ${typeof value} ${String(value).slice(0, 80)}`,
    );
  };
  switch (column.type) {
    case "STRING":
      if (typeof value !== "string") return fail();
      assert(!/\p{Surrogate}/u.test(value), `column ${column.name} got text that is not valid Unicode`);
      return value;
    case "BOOLEAN":
      return typeof value === "boolean" ? value : fail();
    case "INT32":
      return typeof value === "number" && (value | 0) === value ? value : fail();
    case "INT64":
      if (typeof value === "bigint") return BigInt.asIntN(64, value) === value ? value : fail();
      return Number.isSafeInteger(value) ? BigInt(value) : fail();
    case "FLOAT":
    case "DOUBLE":
      return typeof value === "number" ? value : fail();
  }
}

/**
 * Writes one Parquet file. Rows may come in any number of calls: row groups are cut by the rows alone, so the same
 * rows give the same bytes however they were handed over. The file appears under its name at `close`.
 */
export class ParquetRowsWriter {
  readonly path: string;
  readonly #file: AtomicFile;
  readonly #columns: readonly ParquetColumn[];
  readonly #maxRows: number;
  readonly #maxCharacters: number;
  readonly #buffer = new ByteWriter(1 << 16);
  readonly #parquet: ParquetWriter;
  #pending: ParquetValue[][];
  #characters = 0;
  #rows = 0;

  private constructor(file: AtomicFile, options: ParquetWriterOptions, zstd: Zstd | undefined) {
    this.path = file.path;
    this.#file = file;
    this.#columns = options.columns;
    this.#maxRows = options.rowGroupRows ?? 16_384;
    this.#maxCharacters = options.rowGroupCharacters ?? 16 * 1024 * 1024;
    this.#pending = options.columns.map(() => []);
    this.#parquet = new ParquetWriter({
      writer: this.#buffer,
      schema: schemaOf(options.columns),
      codec: zstd === undefined ? "SNAPPY" : "ZSTD",
      ...(zstd === undefined ? {} : { compressors: { ZSTD: (input) => zstd.compress(input, 3) } }),
      createdBy: "firn",
    });
  }

  /** Starts the file at `path`; missing folders are made. */
  static async create(path: string, options: ParquetWriterOptions): Promise<ParquetRowsWriter> {
    assert(options.columns.length > 0, "a Parquet file needs columns");
    const zstd = options.codec === "snappy" ? undefined : await loadZstd();
    const file = await AtomicFile.create(path, { resumable: options.resumable === true });
    return new ParquetRowsWriter(file, options, zstd);
  }

  /**
   * Goes on at a point of an earlier run with the same options: the finished file has the bytes that it would have had.
   * `undefined` when the file is not what it was.
   */
  static async resume(
    path: string,
    options: ParquetWriterOptions,
    point: ParquetPoint,
  ): Promise<ParquetRowsWriter | undefined> {
    const zstd = options.codec === "snappy" ? undefined : await loadZstd();
    const file = await AtomicFile.resume(path, point.file);
    if (file === undefined) return undefined;
    const writer = new ParquetRowsWriter(file, options, zstd);
    writer.#buffer.index = 0;
    writer.#buffer.offset = point.file.bytes;
    Object.assign(writer.#parquet, point.footer);
    writer.#pending = point.pending.map((values) => [...values]);
    writer.#characters = point.characters;
    writer.#rows = point.rows;
    return writer;
  }

  /** Flushes what is written and says where the table is. It holds until the next row is written. */
  async point(): Promise<ParquetPoint> {
    await this.#flushBytes();
    const { row_groups, pendingIndexes, num_rows } = this.#parquet;
    return {
      file: await this.#file.point(),
      rows: this.#rows,
      pending: this.#pending,
      characters: this.#characters,
      footer: { row_groups, pendingIndexes, num_rows },
    };
  }

  /** Rows written so far. */
  get rows(): number {
    return this.#rows;
  }

  /** What is in the file; for a `resumable` one. */
  get written(): FilePoint {
    return this.#file.written;
  }

  /**
   * Adds rows; waits for the disk only when a row group is full. Properties that are not columns are not written.
   *
   * @throws FirnError `DISK_FULL`
   */
  async write(rows: Iterable<Readonly<Record<string, ParquetValue>>>): Promise<void> {
    for (const row of rows) {
      for (const [i, column] of this.#columns.entries()) {
        const value = checkValue(column, row[column.name]);
        this.#pending[i]!.push(value);
        if (typeof value === "string") this.#characters += value.length;
      }
      this.#rows += 1;
      if (this.#pending[0]!.length >= this.#maxRows || this.#characters >= this.#maxCharacters) {
        await this.#flushGroup();
      }
    }
  }

  /** Writes the rest and the footer, flushes to the disk and gives the file its name. */
  async close(): Promise<{ rows: number; bytes: number }> {
    try {
      if (this.#pending[0]!.length > 0) await this.#flushGroup();
      void this.#parquet.finish();
      await this.#flushBytes();
      await this.#file.commit();
    } catch (error) {
      await this.#file.abandon();
      throw error;
    }
    return { rows: this.#rows, bytes: this.#file.bytes };
  }

  /** Gives up: nothing remains of the file. Harmless after `close`. */
  async abandon(): Promise<void> {
    await this.#file.abandon();
  }

  /** Lets go of the file as it is, for a later run to resume. Harmless after `close`. */
  async suspend(): Promise<void> {
    await this.#file.suspend();
  }

  async #flushGroup(): Promise<void> {
    const rowGroupSize = this.#pending[0]!.length;
    const columnData = this.#columns.map(({ name }, i) => ({ name, data: this.#pending[i]! }));
    void this.#parquet.write({ columnData, rowGroupSize });
    this.#pending = this.#columns.map(() => []);
    this.#characters = 0;
    await this.#flushBytes();
  }

  async #flushBytes(): Promise<void> {
    await this.#file.write(this.#buffer.getBytes());
    this.#buffer.index = 0;
  }
}

/** A row as read: text, numbers, booleans, `null`; lists and structs of foreign files as arrays and objects. */
export type ParquetRow = Readonly<Record<string, unknown>>;

export interface ParquetReadOptions {
  /** Read only these columns (all if left out). A missing one is an error. */
  readonly columns?: readonly string[];
  /** Start at this row group (default 0), to go on where an earlier run stopped. */
  readonly fromRowGroup?: number;
}

export interface ParquetInfo {
  readonly rows: number;
  readonly columns: readonly string[];
  /** Rows of each row group. */
  readonly rowGroups: readonly number[];
}

interface OpenParquet {
  readonly buffer: AsyncBuffer;
  readonly metadata: FileMetaData;
  close(): Promise<void>;
}

function broken(path: string, place: string, got: string, cause?: unknown): FirnError {
  return new FirnError("DATA_PARQUET_BROKEN", {
    expected: "a readable Parquet file",
    got,
    where: `${path}, ${place}`,
    next: "Fetch or make the file again; if it was cut off while copying, its size or checksum will differ from the source's.",
    cause,
  });
}

async function openParquet(path: string): Promise<OpenParquet> {
  const handle = await open(path, "r").catch((cause: unknown) => {
    throw new FirnError("DATA_FILE_UNREADABLE", {
      expected: "a Parquet file that can be opened",
      got: describeError(cause),
      where: path,
      next: "Check the path and its permissions.",
      cause,
    });
  });
  try {
    const { size } = await handle.stat();
    const buffer: AsyncBuffer = {
      byteLength: size,
      async slice(start, end = size) {
        const length = Math.min(end, size) - start;
        if (!(start >= 0 && length >= 0)) throw new Error(`bytes ${start} to ${end} lie outside the file`);
        const bytes = new Uint8Array(length);
        let filled = 0;
        while (filled < length) {
          const { bytesRead } = await handle.read(bytes, filled, length - filled, start + filled);
          if (bytesRead === 0) throw new Error("the file became shorter while it was read");
          filled += bytesRead;
        }
        return bytes.buffer;
      },
    };
    const metadata = await parquetMetadataAsync(buffer, { geoparquet: false });
    return { buffer, metadata, close: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw broken(path, "footer", describeError(error), error);
  }
}

function topColumns(metadata: FileMetaData): string[] {
  const names: string[] = [];
  for (let i = 1, skip = 0; i < metadata.schema.length; i++) {
    const element = metadata.schema[i]!;
    if (skip === 0) names.push(element.name);
    else skip -= 1;
    skip += element.num_children ?? 0;
  }
  return names;
}

/** The value of a cell: exact 64-bit integers as numbers, nothing as `null`. */
function plainValue(value: unknown): unknown {
  if (value === undefined) return null;
  return typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** Decodes one row group, column by column. */
async function readGroup(
  { buffer, metadata }: OpenParquet,
  group: number,
  columns: readonly string[],
  rowStart: number,
): Promise<ParquetRow[]> {
  const count = Number(metadata.row_groups[group]!.num_rows);
  const decoded: [string, ArrayLike<unknown>][] = [];
  for (const name of columns) {
    const { file, compressors } = await checkColumn(buffer, metadata, group, name);
    const values = await parquetReadColumn({
      file,
      metadata,
      columns: [name],
      rowStart,
      rowEnd: rowStart + count,
      compressors,
      geoparquet: false,
    });
    if (values.length !== count) throw new Error(`${values.length} values in a group of ${count} rows`);
    decoded.push([name, values]);
  }
  const rows: ParquetRow[] = [];
  for (let i = 0; i < count; i++) {
    const row: Record<string, unknown> = {};
    for (const [name, values] of decoded) row[name] = plainValue(values[i]);
    rows.push(row);
  }
  return rows;
}

/**
 * The rows of a Parquet file, one row group at a time (memory: one row group of the chosen columns). INT64 comes as a
 * number where that is exact, else as a bigint; bytes that are not UTF-8 come as U+FFFD.
 *
 * @throws FirnError `DATA_FILE_UNREADABLE`; `DATA_PARQUET_COLUMN` when an asked column is missing;
 *   `DATA_PARQUET_BROKEN` naming the file and the row group (the row groups before it have been yielded)
 */
export async function* readParquetRows(
  path: string,
  options: ParquetReadOptions = {},
): AsyncGenerator<ParquetRow[], void, undefined> {
  const file = await openParquet(path);
  try {
    const { metadata } = file;
    const known = topColumns(metadata);
    const columns = options.columns ?? known;
    for (const column of columns) {
      if (known.includes(column)) continue;
      const near = nearestName(column, known);
      throw new FirnError("DATA_PARQUET_COLUMN", {
        expected: `a column "${column}"`,
        got: `the columns ${known.map((name) => `"${name}"`).join(", ")}`,
        where: path,
        next: near === undefined ? "Name the column that holds it." : `Did you mean "${near}"?`,
      });
    }
    let rowStart = 0;
    for (const [group, { num_rows }] of metadata.row_groups.entries()) {
      const rowEnd = rowStart + Number(num_rows);
      if (!(rowEnd >= rowStart)) throw broken(path, "footer", `a row group of ${num_rows} rows`);
      if (group >= (options.fromRowGroup ?? 0) && rowEnd > rowStart) {
        let rows: ParquetRow[];
        try {
          rows = await readGroup(file, group, columns, rowStart);
        } catch (error) {
          throw broken(
            path,
            `row group ${group} of ${metadata.row_groups.length}`,
            describeError(error),
            error,
          );
        }
        yield rows;
      }
      rowStart = rowEnd;
    }
  } finally {
    await file.close();
  }
}

/** Rows, columns and row groups of a Parquet file, from its footer alone. Throws like `readParquetRows`. */
export async function readParquetInfo(path: string): Promise<ParquetInfo> {
  const file = await openParquet(path);
  await file.close();
  const rowGroups = file.metadata.row_groups.map((group) => Number(group.num_rows));
  return { rows: rowGroups.reduce((a, b) => a + b, 0), columns: topColumns(file.metadata), rowGroups };
}
