/** @file Server-sent events from bytes (WHATWG HTML, "Server-sent events"), as far as the OpenAI API uses them. */
import { StringDecoder } from "node:string_decoder";

/** Characters of a line, and of an event of several lines; a chunk of an answer is far below it. */
const MAX_EVENT = 4 * 1024 * 1024;

/**
 * The data of the events that hold any, in order. Names are left out: the APIs repeat them as the data's `type`. Lines of one
 * event are joined, comments and other fields passed over, and an event that the stream breaks off in is dropped, as the
 * standard says.
 */
export async function* readEvents(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  let data: string[] = [];
  let length = 0;
  let halfEnd = false;
  for await (const part of bytes) {
    const text = decoder.write(Buffer.from(part.buffer, part.byteOffset, part.byteLength));
    // A line in many parts is looked at once. A carriage return at the end may be the first half of a line end.
    const ends = halfEnd || /[\r\n]/.test(text);
    halfEnd = text === "" ? halfEnd : text.endsWith("\r");
    const lines = ends ? (rest + text).split(/\r\n|\n|\r(?!$)/) : [rest + text];
    rest = lines.pop()!;
    for (const line of lines) {
      if (line === "") {
        if (data.length > 0) yield data.join("\n");
        data = [];
        length = 0;
      } else if (line.startsWith("data:")) {
        data.push(line.slice(line.startsWith("data: ") ? 6 : 5));
        length += line.length;
      }
    }
    if (rest.length + length > MAX_EVENT) throw new RangeError("an event of the stream is too long");
  }
}
