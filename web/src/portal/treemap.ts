/** @file Where the boxes of a treemap go: squarified, largest first. Source: Bruls, Huizing, van Wijk 2000. */

export interface Box {
  readonly name: string;
  readonly value: number;
}

/** A box with its place; all lengths are shares of the whole, from 0 to 1. */
export interface PlacedBox extends Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

interface Area {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** How far from square the worst box of a row is. */
function worst(row: readonly number[], side: number): number {
  const sum = row.reduce((total, value) => total + value, 0);
  const least = Math.min(...row);
  const most = Math.max(...row);
  return Math.max((side * side * most) / (sum * sum), (sum * sum) / (side * side * least));
}

/** Places `boxes` (any order, values above 0) in a rectangle that is `aspect` times as wide as high. */
export function layTreemap(boxes: readonly Box[], aspect: number): PlacedBox[] {
  const sorted = [...boxes].filter(({ value }) => value > 0).sort((a, b) => b.value - a.value);
  const total = sorted.reduce((sum, { value }) => sum + value, 0);
  const free: Area = { left: 0, top: 0, width: aspect, height: 1 };
  const areas = sorted.map(({ value }) => (value / total) * aspect);
  const placed: PlacedBox[] = [];
  let from = 0;
  while (from < sorted.length) {
    const side = Math.min(free.width, free.height);
    let to = from + 1;
    while (to < sorted.length && worst(areas.slice(from, to + 1), side) <= worst(areas.slice(from, to), side))
      to += 1;
    const thickness = areas.slice(from, to).reduce((sum, area) => sum + area, 0) / side;
    const upright = free.width >= free.height;
    let along = 0;
    for (let at = from; at < to; at++) {
      const length = areas[at]! / thickness;
      placed.push({
        ...sorted[at]!,
        left: (free.left + (upright ? 0 : along)) / aspect,
        top: free.top + (upright ? along : 0),
        width: (upright ? thickness : length) / aspect,
        height: upright ? length : thickness,
      });
      along += length;
    }
    if (upright) {
      free.left += thickness;
      free.width -= thickness;
    } else {
      free.top += thickness;
      free.height -= thickness;
    }
    from = to;
  }
  return placed;
}
