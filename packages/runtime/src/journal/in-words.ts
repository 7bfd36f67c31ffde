/** What was thrown, for a message: anything can be thrown, also what has no text, or a getter or a proxy that throws. */
export function inWords(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.message) : String(thrown);
  } catch {
    return `a value of type ${typeof thrown} that has no text`;
  }
}
