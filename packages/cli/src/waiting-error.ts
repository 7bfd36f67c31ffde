import { RuntimeError, type CallKey, type CallNode, type RunId } from '@pawl/runtime';

import type { JournalPlace } from './journal-place.ts';
import { sendCommand, shellWords } from './render/next-commands.ts';

/** Nothing of the run can go on before somebody answers: what is asked, and the commands that answer it. */
export function waitingError(
  runId: RunId,
  keys: readonly CallKey[],
  node: CallNode | undefined,
  { flags }: JournalPlace,
  /** Somebody drives it all the same, and takes the answer. */
  isDriven = false,
): RuntimeError {
  const [key = ''] = keys;
  const more = keys.length > 1 ? `, and ${keys.length - 1} more` : '';
  const pawl = (...words: readonly string[]): string => shellWords('pawl', ...words, ...flags);
  const waiting = (message: string, answer: string): RuntimeError =>
    new RuntimeError('WAITING', message, {
      hint: isDriven ? answer : `${answer}, then: ${pawl('resume', runId)}`,
      data: { runId, asked: [...keys] },
    });
  switch (node?.kind) {
    case 'wait': {
      const question = node.prompt === null ? `message '${node.name}'` : `an answer to: ${node.prompt}`;
      return waiting(
        `Run ${runId} waits for ${question} (call ${key})${more}.`,
        sendCommand(pawl, runId, node.name, node.secret),
      );
    }
    case 'breakpoint':
      return waiting(
        `Run ${runId} waits for an answer to: ${node.question} (call ${key})${more}.`,
        `${pawl('approve', runId, key)}   (or pawl reject)`,
      );
    case 'child':
      return waiting(
        `Run ${runId} waits for run ${node.runId} (call ${key}), which waits for people${more}.`,
        `See for what: ${pawl('waiting')}; answer it`,
      );
    default: {
      if (node?.kind === 'task' && node.hears !== undefined)
        return waiting(
          `Run ${runId} waits for message '${node.hears}', which task '${node.name}' wants (call ${key})${more}.`,
          sendCommand(pawl, runId, node.hears, false),
        );
      if (node?.kind === 'task' && node.offer !== null) {
        const { taskId, taskKind } = node.offer;
        return waiting(
          `Run ${runId} waits for task '${node.name}' (call ${key}), which ${taskKind} does${more}.`,
          `${pawl('tasks', runId, '--pending')}; ${pawl('task', 'complete', taskId)} --value <json>`,
        );
      }
      const task = node?.kind === 'task' ? `task '${node.name}' (call ${key})` : `call ${key}`;
      return waiting(
        `Run ${runId} waits for a person: ${task} was started and its end is not recorded${more}. Look what became of it, then say so.`,
        `${pawl('resolve', runId, key, '--as', 'done')}   (or --as failed, or --as retry)`,
      );
    }
  }
}
