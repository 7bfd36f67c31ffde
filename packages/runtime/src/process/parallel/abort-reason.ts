/** The reason of a user's abort, of any kind, in words that can be recorded. */
export function describeReason(reason: unknown): string {
  if (typeof reason === 'string') return reason;
  try {
    if (reason instanceof Error) return String(reason.message === '' ? reason.name : reason.message);
  } catch {
    // A getter or a proxy of the user's that throws: the abort counts all the same.
  }
  return 'the signal was aborted';
}
