/**
 * @file Which public datasets the summary lists by name: those above 3 % of all public data of their modality, by
 * size after processing (Explanatory Notice to the template, section 2.1).
 */
import type { Recorded, ReleaseRecord, SourceFact } from "./facts.ts";

const LARGE = 0.03;

/** The recorded sources of the given categories. */
export function sourcesOf(record: ReleaseRecord, categories: readonly string[]): Recorded<SourceFact>[] {
  return record.sources.filter(
    ({ data }) => data.category !== undefined && categories.includes(data.category),
  );
}

/** Public sources with their tokens after processing; undefined unless every size is on record. */
function publicSizes(record: ReleaseRecord): { source: Recorded<SourceFact>; tokens: number }[] | undefined {
  const counted = record.training?.data.sources;
  if (counted === undefined) return undefined;
  const sizes = sourcesOf(record, ["public-dataset"]).map((source) => ({
    source,
    // A source of which no document survived processing is absent from the count.
    tokens: counted.has(source.data.id) ? counted.get(source.data.id)!.tokens : 0,
  }));
  const known = sizes.filter(
    (size): size is { source: Recorded<SourceFact>; tokens: number } => size.tokens !== undefined,
  );
  return known.length === sizes.length ? known : undefined;
}

function split(record: ReleaseRecord, large: boolean): Recorded<SourceFact>[] | undefined {
  const sizes = publicSizes(record);
  if (sizes === undefined) return undefined;
  const total = sizes.reduce((sum, { tokens }) => sum + tokens, 0);
  return sizes
    .filter(({ tokens }) => tokens > LARGE * total === large && tokens > 0)
    .sort((a, b) => b.tokens - a.tokens)
    .map(({ source }) => source);
}

/** The large public datasets, largest first; undefined where sizes are missing. */
export function listedDatasets(record: ReleaseRecord): Recorded<SourceFact>[] | undefined {
  return split(record, true);
}

/** The other public datasets that training used. */
export function otherDatasets(record: ReleaseRecord): Recorded<SourceFact>[] | undefined {
  return split(record, false);
}
