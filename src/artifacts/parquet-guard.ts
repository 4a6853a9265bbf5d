/**
 * @file Looks over a column of a Parquet file before hyparquet decodes it. The decoder trusts sizes and run lengths that
 * the file states, so a damaged or hostile file could make it loop for hours or fill the memory; after this check it
 * can at worst throw. Checked are: the places of chunks and pages, their sizes and numbers of values, and (in columns
 * that are not nested) every run of the RLE / bit-packed hybrid encoding.
 *
 * Format: Apache Parquet `parquet.thrift` and `Encodings.md`.
 */
import type { AsyncBuffer, ColumnMetaData, FileMetaData, PageHeader, SchemaElement } from "hyparquet";
import { parquetSchema } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { getMaxDefinitionLevel, getMaxRepetitionLevel, getTreePath } from "hyparquet/src/schema.js";
import { compressors as decompressors } from "hyparquet-compressors";

type Decompressors = Record<string, (input: Uint8Array, bytes: number) => Uint8Array>;

/** What to give to the decoder instead of the file and its decompressors. */
export interface CheckedColumn {
  readonly file: AsyncBuffer;
  readonly compressors: Decompressors;
}

/** One page may not claim to unpack to more than this. */
const MAX_PAGE_BYTES = 1 << 30;
/** One row group may not have more rows; its rows would not fit into memory as objects. */
const MAX_GROUP_ROWS = 1 << 24;
/** A nested column may have this many values for each row of a full row group. */
const MAX_GROUP_VALUES = 1 << 26;
/** Writers pad the last bit-packed run, by some implementations up to a block of this many values. */
const RUN_PADDING = 512;

interface Leaf {
  readonly meta: ColumnMetaData;
  readonly element: SchemaElement;
  readonly maxDefinition: number;
  readonly maxRepetition: number;
}

interface Page {
  readonly header: PageHeader;
  readonly values: number;
}

function check(holds: boolean, fault: string): asserts holds {
  if (!holds) throw new Error(fault);
}

function whole(value: number | bigint | undefined, limit: number, what: string): number {
  const number = Number(value);
  check(Number.isSafeInteger(number) && number >= 0 && number <= limit, `${what} of ${String(value)}`);
  return number;
}

/**
 * Walks the runs of a hybrid-encoded stream of `values` values that begins at `offset` and ends before `end`; returns
 * how many of a one-bit stream are 1.
 */
function checkRuns(bytes: Uint8Array, offset: number, end: number, width: number, values: number): number {
  check(width <= 32, `a bit width of ${width}`);
  let ones = 0;
  for (let seen = 0; seen < values; ) {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      check(offset < end && shift < 35, "a run that leaves its page");
      const byte = bytes[offset++]!;
      header += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    const packed = header % 2 === 1;
    const groups = (header - (packed ? 1 : 0)) / 2;
    const count = packed ? groups * 8 : groups;
    check(
      count <= values - seen + (packed ? RUN_PADDING : 0),
      `a run of ${count} values in a page of ${values}`,
    );
    const size = packed ? Math.min(groups * width, end - offset) : (width + 7) >> 3;
    check(offset + size <= end, "a run that leaves its page");
    if (width === 1) {
      const used = Math.min(count, values - seen);
      if (!packed) ones += used * (bytes[offset]! & 1);
      else for (let i = 0; i < used; i++) ones += ((bytes[offset + (i >> 3)] ?? 0) >> (i & 7)) & 1;
    }
    offset += size;
    seen += count;
  }
  return ones;
}

/** Checks the runs of dictionary indices or booleans that begin at `offset` of an unpacked page. */
function checkValueRuns(
  bytes: Uint8Array,
  offset: number,
  encoding: string | undefined,
  leaf: Leaf,
  values: number,
): void {
  if (values === 0) return;
  if (leaf.element.type === "BOOLEAN") {
    if (encoding === "RLE") checkRuns(bytes, offset + 4, bytes.length, 1, values);
  } else if (encoding === "RLE_DICTIONARY" || encoding === "PLAIN_DICTIONARY" || encoding === "RLE") {
    check(offset < bytes.length, "a page without its bit width");
    const width = bytes[offset]!;
    if (width > 0) checkRuns(bytes, offset + 1, bytes.length, width, values);
    else check(values <= MAX_GROUP_ROWS, `a page of ${values} values`);
  }
}

/** Checks an unpacked data page of version 1: optional definition levels, then values. */
function checkPageV1(bytes: Uint8Array, { header, values }: Page, leaf: Leaf): void {
  const encoding = header.data_page_header?.encoding;
  if (leaf.maxDefinition === 0) {
    checkValueRuns(bytes, 0, encoding, leaf, values);
    return;
  }
  check(bytes.length >= 4, "a page without its levels");
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  check(4 + size <= bytes.length, "levels that leave their page");
  const present = checkRuns(bytes, 4, 4 + size, 1, values);
  checkValueRuns(bytes, 4 + size, encoding, leaf, present);
}

/** Checks the part of a version 2 page that is never compressed; returns how many bytes of levels it has. */
function checkLevelsV2(bytes: Uint8Array, { header, values }: Page, leaf: Leaf): number {
  const page = header.data_page_header_v2!;
  const repetition = whole(page.repetition_levels_byte_length, bytes.length, "repetition levels");
  const definition = whole(
    page.definition_levels_byte_length,
    bytes.length - repetition,
    "definition levels",
  );
  const nulls = whole(page.num_nulls, values, "a number of nulls");
  if (leaf.maxRepetition === 0 && leaf.maxDefinition === 1) {
    const present = checkRuns(bytes, repetition, repetition + definition, 1, values);
    check(present === values - nulls, `${values - present} nulls instead of ${nulls}`);
  }
  return repetition + definition;
}

/** Reads a chunk's pages one header after the other, checking each; the bytes of values are left for later. */
function checkPages(chunk: Uint8Array<ArrayBuffer>, leaf: Leaf, rows: number): Page[] {
  const flat = leaf.maxRepetition === 0;
  const limit = flat ? rows : MAX_GROUP_VALUES;
  const reader = { view: new DataView(chunk.buffer, chunk.byteOffset, chunk.length), offset: 0 };
  const pages: Page[] = [];
  let total = 0;
  // hyparquet stops one byte before the end, too: some writers pad chunks.
  while (reader.offset < chunk.length - 1 && !(flat && total >= rows)) {
    const header = parquetHeader(reader);
    const size = whole(header.compressed_page_size, chunk.length - reader.offset, "a page size");
    const unpacked = whole(header.uncompressed_page_size, MAX_PAGE_BYTES, "an unpacked page size");
    const bytes = chunk.subarray(reader.offset, reader.offset + size);
    const data = header.data_page_header ?? header.data_page_header_v2;
    if (header.type === "DICTIONARY_PAGE") {
      const entries = whole(
        header.dictionary_page_header?.num_values,
        MAX_GROUP_VALUES,
        "dictionary entries",
      );
      check(entries <= Math.max(unpacked, 1) * 8, `${entries} dictionary entries in ${unpacked} bytes`);
      pages.push({ header, values: 0 });
    } else {
      check(header.type === "DATA_PAGE" || header.type === "DATA_PAGE_V2", `a page of type ${header.type}`);
      const page = { header, values: whole(data?.num_values, limit - total, "a number of values") };
      check(page.values > 0 || size > 0 || unpacked === 0, "a page without values");
      total += page.values;
      pages.push(page);
      if (header.type === "DATA_PAGE_V2") {
        check(header.data_page_header_v2 !== undefined, "a page without its header");
        const levels = checkLevelsV2(bytes, page, leaf);
        check(levels <= unpacked, "levels larger than their page");
        if (isStored(leaf, header)) checkUnpacked(bytes.subarray(levels), page, leaf);
      } else {
        check(header.data_page_header !== undefined, "a page without its header");
        if (isStored(leaf, header)) checkUnpacked(bytes, page, leaf);
      }
    }
    reader.offset += size;
  }
  check(!flat || total === rows, `${total} values in a group of ${rows} rows`);
  return pages;
}

/** True if the page's values lie in the chunk as they are. */
function isStored({ meta }: Leaf, { data_page_header_v2 }: PageHeader): boolean {
  return meta.codec === "UNCOMPRESSED" || data_page_header_v2?.is_compressed === false;
}

function checkUnpacked(bytes: Uint8Array, page: Page, leaf: Leaf): void {
  const { data_page_header, data_page_header_v2 } = page.header;
  if (leaf.maxRepetition > 0 || leaf.maxDefinition > 1) return;
  if (data_page_header_v2 !== undefined) {
    const values = page.values - data_page_header_v2.num_nulls;
    checkValueRuns(bytes, 0, data_page_header_v2.encoding, leaf, values);
  } else if (data_page_header !== undefined) {
    checkPageV1(bytes, page, leaf);
  }
}

/**
 * Decompressors that check each page they unpack. hyparquet decodes the pages of one column in order, so the next call
 * is for the next packed page; the columns of a nested one interleave, and get no look inside their pages.
 */
function checkingDecompressors(pages: readonly Page[] | undefined, leaf: Leaf): Decompressors {
  const packed = pages?.filter(({ header }) => !isStored(leaf, header));
  let next = 0;
  const wrapped: Decompressors = {};
  for (const [codec, decompress] of Object.entries(decompressors)) {
    wrapped[codec] = (input, bytes) => {
      whole(bytes, MAX_PAGE_BYTES, "an unpacked page size");
      // An empty page may be stored as nothing at all, which is not a frame of any codec.
      const output = bytes === 0 ? new Uint8Array(0) : decompress(input, bytes);
      check(output.length === bytes, `a page that unpacked to ${output.length} instead of ${bytes} bytes`);
      const page = packed?.[next++];
      if (page !== undefined && page.header.type !== "DICTIONARY_PAGE") checkUnpacked(output, page, leaf);
      return output;
    };
  }
  return wrapped;
}

/**
 * Checks the column `name` in row group `group`. @throws Error saying what is wrong, in words
 */
export async function checkColumn(
  file: AsyncBuffer,
  metadata: FileMetaData,
  group: number,
  name: string,
): Promise<CheckedColumn> {
  const { columns, num_rows } = metadata.row_groups[group]!;
  const rows = whole(num_rows, MAX_GROUP_ROWS, "a row group");
  const tree = parquetSchema(metadata);
  const chunks: { start: number; bytes: Uint8Array<ArrayBuffer>; leaf: Leaf; pages: Page[] }[] = [];
  for (const { meta_data: meta, file_path } of columns) {
    if (meta?.path_in_schema[0] !== name) continue;
    check(!file_path, "a column in another file");
    check(meta.codec === "UNCOMPRESSED" || meta.codec in decompressors, `compression ${meta.codec}`);
    const path = getTreePath(tree, meta.path_in_schema);
    const { element } = path.at(-1)!;
    check(element.type === meta.type, "a column of another type than the schema's");
    const leaf = {
      meta,
      element,
      maxDefinition: getMaxDefinitionLevel(path),
      maxRepetition: getMaxRepetitionLevel(path),
    };
    const start = whole(meta.dictionary_page_offset || meta.data_page_offset, file.byteLength, "a place");
    const size = whole(meta.total_compressed_size, file.byteLength - start, "a column size");
    const bytes = new Uint8Array(await file.slice(start, start + size));
    chunks.push({ start, bytes, leaf, pages: checkPages(bytes, leaf, rows) });
  }
  check(chunks.length > 0, "a row group without this column");
  const [first] = chunks;
  return {
    compressors: checkingDecompressors(chunks.length === 1 ? first!.pages : undefined, first!.leaf),
    file: {
      byteLength: file.byteLength,
      slice(start, end = file.byteLength) {
        const chunk = chunks.find(
          (one) => one.start <= start && end >= start && end <= one.start + one.bytes.length,
        );
        if (chunk === undefined) return file.slice(start, end);
        return chunk.bytes.buffer.slice(start - chunk.start, end - chunk.start);
      },
    },
  };
}
