/**
 * How a run ended, where that is too large for one message of Restate: durable promises of its workflow have it, in pieces.
 * They are no state, which Restate sends along with each call, and no end in the run's journal: that one stands already.
 */
import { CancelledError, type WorkflowContext, type WorkflowSharedContext } from '@restatedev/restate-sdk';
import { MOST_MESSAGE_BYTES } from './message-size.ts';
import type { RunResult, Told } from './messages.ts';

/** In JSON again one has up to three bytes for each. */
const PIECE_CHARS = 4 * 1024 * 1024;

/** What the invocation gives for it. */
export async function told(ctx: WorkflowContext, result: RunResult): Promise<Told> {
  const text = JSON.stringify(result);
  if (Buffer.byteLength(text) <= MOST_MESSAGE_BYTES) return result;
  const count = Math.ceil(text.length / PIECE_CHARS);
  for (let n = 0; n < count; n += 1) {
    try {
      await ctx.promise<string>(nameOf(n)).resolve(text.slice(n * PIECE_CHARS, (n + 1) * PIECE_CHARS));
    } catch (error) {
      // Restate has it all the same, and the run has ended: nothing is left to be given up.
      if (!(error instanceof CancelledError)) throw error;
    }
  }
  return { status: 'pieces', count };
}

/** One of them, for whoever asks how it ended. */
export async function piece(ctx: WorkflowSharedContext, n: number): Promise<string> {
  return await ctx.promise<string>(nameOf(n)).get();
}

/** @param pieceOf asks for one of them */
export async function whole(given: Told, pieceOf: (n: number) => Promise<string>): Promise<RunResult> {
  if (given.status !== 'pieces') return given;
  let text = '';
  for (let n = 0; n < given.count; n += 1) text += await pieceOf(n);
  // It was made by `told`.
  return JSON.parse(text) as RunResult;
}

function nameOf(n: number): string {
  return `end ${n}`;
}
