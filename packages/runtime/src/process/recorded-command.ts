import type { Command } from '../kernel/input.ts';
import { closedStream, type CallState } from '../kernel/state.ts';

/**
 * Whether the journal holds already what a command asks for.
 * @param call what it holds under the command's key
 */
export function isRecorded(command: Command, call: CallState | undefined): boolean {
  switch (command.type) {
    case 'CloseScope':
      return call?.kind === 'group' && call.phase.status === 'closed';
    case 'CloseStream':
      return closedStream(call) !== undefined;
    case 'SetState':
      return false;
    case 'OpenStream':
      return call?.kind === 'task' ? call.progress !== undefined : call !== undefined;
    default:
      return call !== undefined;
  }
}
