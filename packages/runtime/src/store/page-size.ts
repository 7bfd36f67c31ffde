/** A page of events ends where its payloads have so many characters: whoever reads holds as much, and one event. */
export const PAGE_CHARS: number = 4 * 1024 * 1024;

interface Row {
  readonly payload: string;
}

/** The first of the rows, as many as a page has room for. */
export function onePage<T extends Row>(rows: Iterable<T>): T[] {
  const page: T[] = [];
  let chars = 0;
  for (const row of rows) {
    page.push(row);
    chars += charsOf(row);
    if (chars >= PAGE_CHARS) break;
  }
  return page;
}

/** Whether it ends because there is no more room in it. */
export function isFull(page: readonly Row[]): boolean {
  return page.reduce((chars, row) => chars + charsOf(row), 0) >= PAGE_CHARS;
}

/** A damaged file may hold anything. */
function charsOf({ payload }: Row): number {
  return String(payload).length;
}
