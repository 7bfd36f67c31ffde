/** Edits (insert, delete, replace) that turn `a` into `b`. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** Up to three of `names` that a person who typed `text` may have meant: prefixes first, then near misses. */
export function nearest(text: string, names: readonly string[]): string[] {
  const typed = text.slice(0, 128);
  const scored = names.flatMap((name) => {
    if (typed.length >= 3 && (name.startsWith(typed) || name.endsWith(typed))) return [{ name, score: 0 }];
    if (Math.abs(name.length - typed.length) > 3) return [];
    const edits = distance(typed, name);
    return edits <= Math.max(1, Math.min(3, Math.floor(typed.length / 3))) ? [{ name, score: edits }] : [];
  });
  return scored
    .toSorted((a, b) => a.score - b.score)
    .slice(0, 3)
    .map((entry) => entry.name);
}
