import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { WorkerLostError, type ModuleSpec } from '@pawl/sdk';
import type { Clock } from '../../ports/clock.ts';
import { entryPoint, type ModuleAnswer } from './module-work.ts';
import { moduleWork, resultOf, Signs } from './modules.ts';
import { killGroupOnAbort } from './process-group.ts';
import type { Work } from './work.ts';

/** What it prints is no output of ours. */
const STDERR = 2;

/**
 * Calls the function in a process of its own, in a process group of its own.
 * @throws WorkerLostError, what the function threw, what the signal was aborted with
 */
export async function runProcess(
  spec: ModuleSpec,
  work: Work,
  payloadBytes: number,
  clock: Clock,
): Promise<unknown> {
  const { signal } = work.context;
  const sent = moduleWork(spec, work, payloadBytes);
  const child = fork(fileURLToPath(entryPoint('process-main')), [], {
    detached: true,
    stdio: ['ignore', STDERR, STDERR, 'ipc'],
    serialization: 'json',
  });
  const ended = killGroupOnAbort(child.pid, signal, clock);
  const signs = new Signs(work);
  let answer: ModuleAnswer | undefined;
  child.on('message', (message: unknown) => {
    if (!signs.take(message)) answer = answerOf(message) ?? answer;
  });
  try {
    // Its death is told by the exit.
    child.send(sent, () => undefined);
    const how = await endOf(child);
    if (answer === undefined) {
      signal.throwIfAborted();
      throw new WorkerLostError(`the process of ${work.what} ${how} before it answered`);
    }
    await signs.all(answer.told);
  } finally {
    ended();
  }
  return resultOf(answer, work, payloadBytes);
}

async function endOf(child: ChildProcess): Promise<string> {
  try {
    // Node's types do not know what an event brings.
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    return signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
  } catch (error) {
    return `could not be started (${error instanceof Error ? error.message : String(error)})`;
  }
}

function answerOf(message: unknown): ModuleAnswer | undefined {
  if (typeof message !== 'object' || message === null || Reflect.get(message, 'pawl') !== 'answer')
    return undefined;
  return Reflect.get(message, 'answer') as ModuleAnswer;
}
