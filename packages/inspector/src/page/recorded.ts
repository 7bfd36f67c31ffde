/** What a page that was saved as one file has instead of a server; undefined where there is one. */
interface Recorded {
  readonly id: string;
  readonly at: number;
  readonly answers: Readonly<Record<string, unknown>>;
  readonly leftOut: readonly string[];
}

export const recorded: Recorded | undefined = read();

function read(): Recorded | undefined {
  const text = document.getElementById('recorded')?.textContent;
  return text === undefined || text === null ? undefined : (JSON.parse(text) as Recorded);
}

/** What a server would have said. Every call that the file has is there at once. */
export function recordedAnswer(path: string): unknown {
  const asked = path.replace(/([?&])all=1(&|$)/, (_, before: string, behind: string) =>
    behind === '' ? '' : before,
  );
  return Object.hasOwn(recorded?.answers ?? {}, asked) ? recorded?.answers[asked] : undefined;
}

/** Whether it can be asked for: a file has what it has. */
export function isThere(path: string): boolean {
  return recorded === undefined || recordedAnswer(path) !== undefined;
}

/** Whether a place of the page can be shown. */
export function isKept(to: string): boolean {
  if (recorded === undefined) return true;
  const path = to.replace(/\?.*$/, '');
  return path === `/runs/${encodeURIComponent(recorded.id)}`;
}
