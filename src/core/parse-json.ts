/**
 * @file JSON from outside. `JSON.parse` takes any depth, but whatever walks over its value (schemas, `JSON.stringify`) does so by
 * recursion, and V8 may even end the process when it runs out of stack there.
 */

/** No file or request that means something nests as deeply. */
const MOST_DEPTH = 200;

/** Whether more than `MOST_DEPTH` arrays and objects are open at once. */
function isTooDeep(text: string): boolean {
  let openers = 0;
  for (const opener of ["[", "{"])
    for (let at = text.indexOf(opener); at >= 0 && openers <= MOST_DEPTH; at = text.indexOf(opener, at + 1))
      openers += 1;
  if (openers <= MOST_DEPTH) return false;
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i);
    if (inString) {
      if (character === 0x5c) i += 1;
      else if (character === 0x22) inString = false;
    } else if (character === 0x22) inString = true;
    else if (character === 0x5b || character === 0x7b) {
      if (++depth > MOST_DEPTH) return true;
    } else if (character === 0x5d || character === 0x7d) depth -= 1;
  }
  return false;
}

/** The value of a JSON text. @throws SyntaxError for what is no JSON, or nests more than 200 deep */
export function parseJson(text: string): unknown {
  if (isTooDeep(text)) throw new SyntaxError(`JSON that nests more than ${MOST_DEPTH} deep`);
  return JSON.parse(text);
}
