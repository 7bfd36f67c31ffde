/**
 * True where a function of the user's that is asked for yes or no gave a promise, which would always count as yes.
 * What becomes of that promise is nobody's business.
 */
export function isPromise(answer: unknown): boolean {
  if (typeof answer !== 'object' || answer === null) return false;
  const then: unknown = Reflect.get(answer, 'then');
  if (typeof then !== 'function') return false;
  Promise.resolve(answer).catch(() => undefined);
  return true;
}
