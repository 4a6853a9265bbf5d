import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MANUAL_FILE, manualLanguage, readManual } from "./manual.ts";
import { roffText } from "./roff-text.ts";

const PAGE = String.raw`.\" Comment
.de XX
ignored
..
.TH LS 1 "März 2026" "GNU"
.SH BEZEICHNUNG
ls \- Verzeichnisinhalte auf\(:uflisten
.SH "\(Fo\(:UBERSICHT\(Fc"
.B ls
[\fI\,OPTION\/\fR]... \fI\,DATEI\/\fR
.PP
Zeigt Informationen \[u00FC]ber
.BR stat (2)
an.
.TP
\fB\-a\fR, \fB\-\-all\fR
Einträge, die mit . beginnen
.nf
  $ ls \-l
  a\eb
.fi
.TS
tab(;);
x;y
.TE
.IP \(bu 2
Ein Punkt`;

describe("a manual page", () => {
  it("is its text, without what is there for the typesetter", () => {
    expect(roffText(PAGE)).toBe(
      [
        "BEZEICHNUNG",
        "ls - Verzeichnisinhalte aufüflisten",
        "«ÜBERSICHT»",
        "ls [OPTION]... DATEI",
        "Zeigt Informationen über stat(2) an.",
        "-a, --all: Einträge, die mit . beginnen",
        "$ ls -l\n  a\\b",
        "Ein Punkt",
      ].join("\n\n"),
    );
    expect(roffText(".so man1/ls.1\n")).toBe("");
  });

  it("has its language from its folder", () => {
    expect(manualLanguage("de/man1/ls.1.gz")).toBe("de");
    expect(manualLanguage("usr/share/man/pt_BR/man1/ls.1.gz")).toBe("pt_BR");
    expect(manualLanguage("usr/share/man/man1/ls.1.gz")).toBe("en");
    expect(manualLanguage("zh_CN.UTF-8/man8/x.8")).toBe("zh_CN");
    expect(["a.1", "b.3pm.gz", "c.7"].every((name) => MANUAL_FILE.test(name))).toBe(true);
    expect(["a.txt", "b.gz", "README"].some((name) => MANUAL_FILE.test(name))).toBe(false);
  });

  it("that is cut off or no page at all is named", async () => {
    const dir = await mkdtemp(join(tmpdir(), "firn-man-"));
    const read = async (bytes: Uint8Array) => {
      const path = join(dir, "x.1.gz");
      await writeFile(path, bytes);
      const pieces = [];
      for await (const batch of readManual({ name: "fr/man1/x.1.gz", path, bytes: 1, sha256: "" }))
        pieces.push(...batch);
      return pieces;
    };
    expect(await read(gzipSync(PAGE))).toMatchObject([{ place: "1", declaredLanguage: "fr" }]);
    expect(await read(gzipSync(PAGE).subarray(0, 60))).toMatchObject([{ reason: "file-broken" }]);
    expect(await read(gzipSync("hello"))).toMatchObject([{ reason: "no-text" }]);
    expect(await read(gzipSync(Buffer.alloc(40_000_000)))).toMatchObject([{ reason: "file-too-large" }]);
    await rm(dir, { recursive: true });
  });

  it("comes out of any text", () => {
    const piece = fc.oneof(
      fc.constantFrom(".TH A 1\n", ".B ", "\\f", "\\(", "\\[", "\\", '"', ".de x\n", "\n", ".nf\n"),
      fc.string(),
    );
    fc.assert(fc.property(fc.array(piece), (parts) => void roffText(parts.join(""))));
    // Each of these took minutes where white space, an open name or a line separator made a pattern try everything.
    for (const line of [`a${" ".repeat(300_000)}b`, "\\f[".repeat(100_000), `.${" \t".repeat(50_000)}\u2028`])
      expect(roffText(`.TH A 1\n.SH NAME\n${line}\nlast`)).toContain("last");
    expect(roffText('.TH A 1\n.B "a ""b"" c"d "e')).toBe('a "b" c d e');
    expect(roffText(".TH A 1\n\\[constructor]x")).toBe("x");
  });
});
