/** Looks in each turn of the loop until it is so; a virtual clock stands still meanwhile. */
export async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 10_000; i += 1) {
    if (holds()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('it did not come to that');
}
