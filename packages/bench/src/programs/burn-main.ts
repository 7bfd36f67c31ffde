/** A worker of the raw limit: the work without the runtime. */
import { parentPort } from 'node:worker_threads';

import { burn } from './burn.ts';

parentPort?.on('message', (rounds: number) => parentPort?.postMessage(burn(rounds), []));
