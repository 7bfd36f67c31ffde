/** For packages that drive runs here and keep their journals elsewhere. */
export { lastOf, finalEvent } from './engine/run-chain.ts';
export type { FinalEvent } from './engine/run-plan.ts';
export { outputOf } from './engine/run-result.ts';
export { answerMessage } from './engine/response.ts';
export { encodeAnswer } from './engine/answer.ts';
export { identityText } from './journal/canonical.ts';
export { decode } from './journal/codec.ts';
export { reviveError, toErrorRecord } from './journal/error-record.ts';
export { definitionOf, type AnyProcess } from './process/definition.ts';
export { encodePayload } from './process/payload.ts';
export { readStore } from './reader.ts';
export { TaskRunner } from './task-runner.ts';
export type { RemoteEnd, RemotePlace, RemoteTasks, RemoteWork } from './ports/remote-tasks.ts';
export { costIn } from './process/declared-pools.ts';
export type { StandIn } from './engine/engine.ts';
export { BurstStore, type Burst } from './store/memory/burst-store.ts';
export { sha256 } from './system.ts';
