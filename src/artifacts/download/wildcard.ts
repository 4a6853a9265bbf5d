/**
 * @file Names against patterns with wildcards. Names come from servers, so the time is linear in the name whatever the pattern:
 * all places in the pattern where a name may stand are followed at once, and nothing is tried again.
 */

/** What a place of the pattern takes. */
type Part =
  | { readonly kind: "character"; readonly character: string }
  /** One character, or any number of them; `slash`: slashes, too. */
  | { readonly kind: "one" | "many"; readonly slash: boolean }
  /** Nothing, or whole folders with the slash after them. */
  | { readonly kind: "folders" };

/** `*` and `?` as a shell reads them, without regard to folders. */
export function shellParts(pattern: string): Part[] {
  return Array.from(pattern, (character): Part => {
    if (character === "*") return { kind: "many", slash: true };
    return character === "?" ? { kind: "one", slash: true } : { kind: "character", character };
  });
}

/** `*` and `?` stay inside a folder, `**` does not, and `**` before a slash may also be no folder at all. */
export function folderParts(pattern: string): Part[] {
  return pattern.split(/(\*\*\/?|\*|\?)/).flatMap((text): Part[] => {
    if (text === "**/") return [{ kind: "folders" }];
    if (text === "**") return [{ kind: "many", slash: true }];
    if (text === "*") return [{ kind: "many", slash: false }];
    if (text === "?") return [{ kind: "one", slash: false }];
    return Array.from(text, (character) => ({ kind: "character", character }));
  });
}

/** Whether a name, as a whole, is one that `parts` describe. */
export function wildcardMatcher(parts: readonly Part[]): (name: string) => boolean {
  /** Adds a place, and those behind it that need no character. */
  const reach = (places: Set<number>, place: number): void => {
    for (let at = place; !places.has(at); at += 1) {
      places.add(at);
      const kind = parts[at]?.kind;
      if (kind !== "many" && kind !== "folders") return;
    }
  };
  return (name) => {
    let places = new Set<number>();
    // Where the folders of `**/` have begun: they end behind a slash, and only there.
    let inside = new Set<number>();
    reach(places, 0);
    for (const character of name) {
      const next = new Set<number>();
      const nextInside = new Set<number>();
      const enter = (place: number): void => {
        nextInside.add(place);
        if (character === "/") reach(next, place + 1);
      };
      for (const place of places) {
        const part = parts[place];
        if (part === undefined) continue;
        if (part.kind === "folders") enter(place);
        else if (part.kind === "character") {
          if (part.character === character) reach(next, place + 1);
        } else if (part.slash || character !== "/") reach(next, part.kind === "one" ? place + 1 : place);
      }
      for (const place of inside) enter(place);
      if (next.size === 0 && nextInside.size === 0) return false;
      places = next;
      inside = nextInside;
    }
    return places.has(parts.length);
  };
}
