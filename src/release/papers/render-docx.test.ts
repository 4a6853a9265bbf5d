import { crc32 } from "node:zlib";
import fc from "fast-check";
import { parseDocument } from "htmlparser2";
import { describe, expect, it } from "vitest";
import { FACTS, FULL_PROVIDER, inputOf, RELEASE, withProvider } from "./example.test-facts.ts";
import { fieldsOf, type Paper, section, field, shown, table } from "./paper.ts";
import { publicSummary } from "./public-summary.ts";
import { renderDocx } from "./render-docx.ts";
import { zip } from "./zip.ts";

/** Reads an archive by its central directory, as Word does, and checks every checksum. */
function unzip(archive: Buffer): Map<string, Buffer> {
  const end = archive.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  const count = archive.readUInt16LE(end + 10);
  let at = archive.readUInt32LE(end + 16);
  const files = new Map<string, Buffer>();
  for (let i = 0; i < count; i++) {
    expect(archive.readUInt32LE(at)).toBe(0x02014b50);
    const [sum, size] = [archive.readUInt32LE(at + 16), archive.readUInt32LE(at + 24)];
    const nameLength = archive.readUInt16LE(at + 28);
    const name = archive.subarray(at + 46, at + 46 + nameLength).toString();
    const local = archive.readUInt32LE(at + 42);
    expect(archive.readUInt32LE(local)).toBe(0x04034b50);
    const from = local + 30 + archive.readUInt16LE(local + 26);
    const data = archive.subarray(from, from + size);
    expect(crc32(data), name).toBe(sum);
    files.set(name, data);
    at += 46 + nameLength;
  }
  return files;
}

/** The text of every run of a Word document, in order. */
function runs(xml: string): string[] {
  const texts: string[] = [];
  const walk = (nodes: ReturnType<typeof parseDocument>["children"]): void => {
    for (const node of nodes) {
      if (!("children" in node)) continue;
      if ("name" in node && node.name === "w:t")
        texts.push(node.children.map((child) => ("data" in child ? child.data : "")).join(""));
      else walk(node.children);
    }
  };
  walk(parseDocument(xml, { xmlMode: true, decodeEntities: true }).children);
  return texts;
}

describe("an archive", () => {
  it("gives back what was put in, byte for byte, whatever the names and contents", () => {
    const entries = fc.uniqueArray(
      fc.record({ name: fc.stringMatching(/^[a-zé/]{1,20}$/), data: fc.uint8Array({ maxLength: 300 }) }),
      { selector: ({ name }) => name, maxLength: 6 },
    );
    fc.assert(
      fc.property(entries, (list) => {
        const read = unzip(zip(list));
        expect([...read.keys()]).toEqual(list.map(({ name }) => name));
        for (const { name, data } of list) expect(new Uint8Array(read.get(name)!)).toEqual(data);
      }),
    );
  });
});

describe("a Word document", () => {
  it("has the parts Word looks for, and every label and answer of the summary in order", () => {
    const paper = publicSummary(inputOf(withProvider(FACTS, FULL_PROVIDER)).record, RELEASE);
    const files = unzip(renderDocx(paper));
    expect([...files.keys()].slice(0, 2)).toEqual(["[Content_Types].xml", "_rels/.rels"]);
    const texts = runs(files.get("word/document.xml")!.toString("utf8"));
    let from = 0;
    for (const { field: one } of fieldsOf(paper.sections)) {
      for (const text of [one.label, ...one.answer.map((statement) => statement.text)]) {
        const at = texts.indexOf(text, from);
        expect(at, text).toBeGreaterThanOrEqual(from);
        from = at;
      }
    }
    expect(renderDocx(paper).equals(renderDocx(paper))).toBe(true);
  });

  it("shows markup, control characters and lone surrogates as text that cannot break it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const paper: Paper = {
          title: text,
          file: "x",
          follows: "nothing",
          release: RELEASE,
          sections: [
            section(text, [
              field(text, shown(`<w:p>${text}`)),
              table([text], [{ cells: [text], facts: [] }]),
            ]),
          ],
        };
        const xml = unzip(renderDocx(paper)).get("word/document.xml")!.toString("utf8");
        expect(xml).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/);
        expect(xml.match(/<w:p>/g)!.length).toBe(xml.match(/<\/w:p>/g)!.length);
        expect(runs(xml).some((run) => run.startsWith("<w:p>"))).toBe(true);
      }),
    );
  });
});
