export { MemoryStore } from './store/memory/memory-store.ts';
export { ManualClock } from './testing/manual-clock.ts';
export { seededEntropy } from './testing/seeded-entropy.ts';
