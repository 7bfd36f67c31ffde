import { COMMON_OPTIONS, defineCommand, flag, text, usage, wholeNumber, type Command } from '../command.ts';
import { DRIVE_OPTIONS } from '../drive-options.ts';
import { FORK_OPTIONS, forkBy, SET_OPTION, settings } from '../fork-run.ts';

const RUN = { name: '<run>', description: 'the id of the run' };

export const forkCommand: Command = defineCommand({
  description:
    'Goes on from an earlier place of a run as another run, which shares what came before. The run itself stays as it ' +
    'is. Without --at or --set it goes on behind all that is recorded.',
  arguments: [RUN],
  options: {
    at: text('--at <call>', 'the first call that is made anew, such as 3 or :fetch', {
      conflicts: ['afterSeq'],
    }),
    afterSeq: wholeNumber('--after-seq <n>', 'the last event that is kept, instead of --at', undefined, 1),
    set: SET_OPTION,
    reuse: flag('--reuse', 'take later results of the run, where the same task is asked the same'),
    ...FORK_OPTIONS,
    ...DRIVE_OPTIONS,
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: 'pawl fork run_01kh… --at :review --dry-run', what: 'what would be kept, and done again' },
    { command: 'pawl fork run_01kh… --at :review', what: 'do it from there on' },
    { command: `pawl fork run_01kh… --set ':plan={"steps":3}'`, what: 'as if that call had come to this' },
    { command: 'pawl fork run_01kh… --at 4 --module edited.ts', what: 'with other code from there on' },
  ],
  run: async (use) => {
    const { at, afterSeq, reuse, set: given } = use.options;
    const set = settings(given);
    const ask = {
      retries: false,
      reuse,
      ...(at === undefined ? {} : { at }),
      ...(afterSeq === undefined ? {} : { afterSeq }),
      ...(set === undefined ? {} : { set }),
    };
    return forkBy('fork', use, ask);
  },
});

export const retryCommand: Command = defineCommand({
  description:
    'Tries a run again that failed or was cancelled: as another run, that keeps what succeeded and does again what ' +
    'failed. The run itself stays as it is.',
  arguments: [RUN],
  options: {
    from: text('--from <call>', 'go back to this call (default: to what failed last)'),
    ...FORK_OPTIONS,
    ...DRIVE_OPTIONS,
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: 'pawl retry run_01kh…', what: 'do again what failed' },
    { command: 'pawl retry run_01kh… --dry-run', what: 'what that would be' },
    { command: 'pawl retry run_01kh… --module fixed.ts', what: 'with code that was put right' },
  ],
  run: async (use) => {
    const { from } = use.options;
    const ask = { retries: true, ...(from === undefined ? {} : { at: from }) };
    return forkBy('retry', use, ask);
  },
});

export const rewindCommand: Command = defineCommand({
  description:
    'Gives a run up, where it has not ended, and goes on from an earlier place of it as another run: a fork whose ' +
    'parent goes no further.',
  arguments: [RUN],
  options: {
    at: text('--at <call>', 'the first call that is made anew', { conflicts: ['afterSeq'] }),
    afterSeq: wholeNumber('--after-seq <n>', 'the last event that is kept, instead of --at', undefined, 1),
    ...FORK_OPTIONS,
    ...DRIVE_OPTIONS,
    ...COMMON_OPTIONS,
  },
  examples: [{ command: 'pawl rewind run_01kh… --at :draft', what: 'back to that call' }],
  run: async (use) => {
    const { at, afterSeq } = use.options;
    if (at === undefined && afterSeq === undefined)
      throw usage(
        'Say where to go back to.',
        'pawl rewind <run> --at <call>; see the calls: pawl show <run>',
      );
    const ask = {
      retries: false,
      ...(at === undefined ? {} : { at }),
      ...(afterSeq === undefined ? {} : { afterSeq }),
    };
    return forkBy('rewind', use, ask);
  },
});
