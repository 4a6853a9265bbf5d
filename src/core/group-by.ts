/** @file Items by key, in the order in which keys and items come. */

/** The items of each key; both keep their order. */
export function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const existing = groups.get(key(item));
    if (existing === undefined) groups.set(key(item), [item]);
    else existing.push(item);
  }
  return groups;
}
