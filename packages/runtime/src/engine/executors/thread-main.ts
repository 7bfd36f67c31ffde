/** The entry point of worker threads: piscina calls it for each attempt. */
import { parentPort } from 'node:worker_threads';
import { runModule, type ModuleAnswer, type ModuleWork } from './module-work.ts';

export default function main(work: ModuleWork): Promise<ModuleAnswer> {
  // The rule means windows of a browser, which have an origin.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  return runModule(work, (sign) => parentPort?.postMessage(sign));
}
