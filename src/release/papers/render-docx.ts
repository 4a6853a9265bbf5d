/**
 * @file A paper as a Word document: WordprocessingML (ECMA-376) with headings, and each form field as a row of a
 * two-column table, label left and answer right, as in the Commission's template.
 */
import { type Block, openQuestions, type Paper, type Section, type Statement } from "./paper.ts";
import { introduction } from "./render-markdown.ts";
import { zip } from "./zip.ts";

const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"';
const OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
/** Text width of an A4 page with 20 mm margins, in twentieths of a point. */
const WIDTH = 9638;

function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd")
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;");
}

function run(text: string, properties = ""): string {
  const style = properties === "" ? "" : `<w:rPr>${properties}</w:rPr>`;
  return `<w:r>${style}<w:t xml:space="preserve">${escapeXml(text)}</w:t></w:r>`;
}

function paragraph(content: string, style?: string): string {
  const properties = style === undefined ? "" : `<w:pPr><w:pStyle w:val="${style}"/></w:pPr>`;
  return `<w:p>${properties}${content}</w:p>`;
}

function statement({ text, facts, basis }: Statement): string {
  const note = [
    ...(basis === "provider" ? ["stated by the provider"] : []),
    ...(facts.length === 0
      ? []
      : [`fact ${facts.slice(0, 6).join(", ")}${facts.length > 6 ? ` +${facts.length - 6}` : ""}`]),
  ].join("; ");
  const line = run(text, basis === "gap" ? '<w:b/><w:color w:val="9A4B12"/>' : "");
  return paragraph(
    line + (note === "" ? "" : run(` [${note}]`, '<w:color w:val="566574"/><w:sz w:val="15"/>')),
  );
}

function cell(content: string, width: number): string {
  return `<w:tc><w:tcPr><w:tcW w:w="${width}" w:type="dxa"/></w:tcPr>${content}</w:tc>`;
}

function tableOf(rows: readonly string[], widths: readonly number[]): string {
  const grid = widths.map((width) => `<w:gridCol w:w="${width}"/>`).join("");
  return `<w:tbl><w:tblPr><w:tblStyle w:val="Form"/><w:tblW w:w="${WIDTH}" w:type="dxa"/><w:tblLayout w:type="fixed"/></w:tblPr><w:tblGrid>${grid}</w:tblGrid>${rows.join("")}</w:tbl>${paragraph("", "Small")}`;
}

const LABEL_WIDTH = 3300;

function blocks(list: readonly Block[]): string {
  let out = "";
  let fields: string[] = [];
  const flush = (): void => {
    if (fields.length > 0) out += tableOf(fields, [LABEL_WIDTH, WIDTH - LABEL_WIDTH]);
    fields = [];
  };
  for (const block of list) {
    if (block.kind === "field") {
      const answer = block.answer.length === 0 ? paragraph("") : block.answer.map(statement).join("");
      const label = cell(paragraph(run(block.label, "<w:b/>")), LABEL_WIDTH);
      fields.push(`<w:tr><w:trPr><w:cantSplit/></w:trPr>${label}${cell(answer, WIDTH - LABEL_WIDTH)}</w:tr>`);
      continue;
    }
    flush();
    if (block.kind === "remark") out += statement(block.statement);
    else {
      const width = Math.floor(WIDTH / block.header.length);
      const widths = block.header.map(() => width);
      const line = (cells: readonly string[], properties: string): string =>
        `<w:tr>${cells.map((text) => cell(paragraph(run(text, properties)), width)).join("")}</w:tr>`;
      out += tableOf(
        [line(block.header, "<w:b/>"), ...block.rows.map(({ cells }) => line(cells, ""))],
        widths,
      );
    }
  }
  flush();
  return out;
}

function sections(list: readonly Section[], level: number): string {
  return list
    .map(
      ({ heading, blocks: content, sections: inner }) =>
        paragraph(run(heading), `Heading${Math.min(3, level)}`) +
        blocks(content) +
        sections(inner, level + 1),
    )
    .join("");
}

function styles(): string {
  const heading = (level: number, size: number): string =>
    `<w:style w:type="paragraph" w:styleId="Heading${level}"><w:name w:val="heading ${level}"/><w:basedOn w:val="Normal"/><w:next w:val="Normal"/><w:pPr><w:keepNext/><w:spacing w:before="${320 - 40 * level}" w:after="100"/><w:outlineLvl w:val="${level - 1}"/></w:pPr><w:rPr><w:b/><w:color w:val="14567E"/><w:sz w:val="${size}"/></w:rPr></w:style>`;
  const edge = (side: string): string => `<w:${side} w:val="single" w:sz="4" w:space="0" w:color="A9B6C2"/>`;
  return `${XML}<w:styles ${WORD}><w:docDefaults><w:rPrDefault><w:rPr><w:rFonts w:ascii="Calibri" w:hAnsi="Calibri" w:cs="Calibri"/><w:sz w:val="20"/><w:lang w:val="en-GB"/></w:rPr></w:rPrDefault><w:pPrDefault><w:pPr><w:spacing w:after="60"/></w:pPr></w:pPrDefault></w:docDefaults><w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style><w:style w:type="paragraph" w:styleId="Small"><w:name w:val="Small"/><w:basedOn w:val="Normal"/><w:pPr><w:spacing w:after="0"/></w:pPr><w:rPr><w:sz w:val="8"/></w:rPr></w:style><w:style w:type="paragraph" w:styleId="Title"><w:name w:val="Title"/><w:basedOn w:val="Normal"/><w:pPr><w:spacing w:after="120"/></w:pPr><w:rPr><w:b/><w:color w:val="14567E"/><w:sz w:val="40"/></w:rPr></w:style>${heading(1, 28)}${heading(2, 24)}${heading(3, 21)}<w:style w:type="table" w:styleId="Form"><w:name w:val="Form"/><w:tblPr><w:tblBorders>${["top", "left", "bottom", "right", "insideH", "insideV"].map(edge).join("")}</w:tblBorders><w:tblCellMar><w:top w:w="60" w:type="dxa"/><w:left w:w="100" w:type="dxa"/><w:bottom w:w="40" w:type="dxa"/><w:right w:w="100" w:type="dxa"/></w:tblCellMar></w:tblPr></w:style></w:styles>`;
}

function documentXml(paper: Paper): string {
  const open = openQuestions(paper.sections);
  const questions =
    open.length === 0
      ? paragraph(run("None."))
      : open.map(({ heading, label, gap }) => paragraph(run(`${heading} — ${label} ${gap}`))).join("");
  const body = [
    paragraph(run(paper.title), "Title"),
    paragraph(run(introduction(paper), '<w:color w:val="566574"/>')),
    sections(paper.sections, 1),
    paragraph(run("Open questions"), "Heading1"),
    questions,
    '<w:sectPr><w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1134" w:right="1134" w:bottom="1134" w:left="1134" w:header="567" w:footer="567" w:gutter="0"/></w:sectPr>',
  ];
  return `${XML}<w:document ${WORD}><w:body>${body.join("")}</w:body></w:document>`;
}

/** The paper as the bytes of a `.docx` file; the same paper gives the same bytes. */
export function renderDocx(paper: Paper): Buffer {
  const created = `${paper.release.date}T00:00:00Z`;
  const types = "application/vnd.openxmlformats-officedocument.wordprocessingml";
  const parts: Readonly<Record<string, string>> = {
    "[Content_Types].xml": `${XML}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="${types}.document.main+xml"/><Override PartName="/word/styles.xml" ContentType="${types}.styles+xml"/><Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>`,
    "_rels/.rels": `${XML}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="${OFFICE}/officeDocument" Target="word/document.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties" Target="docProps/core.xml"/></Relationships>`,
    "docProps/core.xml": `${XML}<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dc:title>${escapeXml(`${paper.title}: ${paper.release.name} ${paper.release.version}`)}</dc:title><dc:language>en</dc:language><dcterms:created xsi:type="dcterms:W3CDTF">${created}</dcterms:created></cp:coreProperties>`,
    "word/_rels/document.xml.rels": `${XML}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="${OFFICE}/styles" Target="styles.xml"/></Relationships>`,
    "word/document.xml": documentXml(paper),
    "word/styles.xml": styles(),
  };
  return zip(Object.entries(parts).map(([name, text]) => ({ name, data: Buffer.from(text) })));
}
