const OWN = new WeakSet<object>();

/** Marks an iterator of ours: to leave it is no code of the branch that read it. */
export function ownStream<T extends object>(iterator: T): T {
  OWN.add(iterator);
  return iterator;
}

export function isOwnStream(iterator: object): boolean {
  return OWN.has(iterator);
}
