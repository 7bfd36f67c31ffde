import { RuntimeError } from '@pawl/runtime';
import { checkAgainst } from '@pawl/sdk';

import { ALIAS_OPTION, givenAliases } from '../alias.ts';
import { PLACE_OPTIONS, defineCommand, flag, text, type Command } from '../command.ts';
import { configuredAliases, loadConfig } from '../config-file.ts';
import { DRIVE_OPTIONS, refuseDriveOptions, runtimeOptions } from '../drive-options.ts';
import { tellChecks, tellEnd } from '../finish.ts';
import { readJsonOption } from '../input-value.ts';
import { checkedRunId, anyPlace } from '../journal-place.ts';
import { loadProcess } from '../load-process.ts';
import { findModule, isOtherCode } from '../module-file.ts';
import { startElsewhere } from '../run-elsewhere.ts';
import { Session } from '../session.ts';
import { traceparentOf } from '../telemetry.ts';

export const runCommand: Command = defineCommand({
  description: 'Loads a module or a workflow, starts the process, and records what it does.',
  arguments: [
    {
      name: '<module>',
      description: 'a .ts or .js file that exports a process, or a workflow in .yaml or .json',
    },
  ],
  options: {
    input: text('-i, --input <json>', 'the input: JSON, @file, or - for stdin'),
    id: text('--id <run>', 'the id of the run; given twice it is the same run'),
    external: flag('--external', 'leave external tasks to others: exit 13 when it waits for them'),
    reuseFrom: text('--reuse-from <run>', 'take results of this run where the same task is asked the same'),
    alias: ALIAS_OPTION,
    ...DRIVE_OPTIONS,
    ...PLACE_OPTIONS,
  },
  examples: [
    { command: `pawl run hello.ts --input '{"name":"x"}'`, what: 'start it' },
    { command: 'pawl run hello.ts --input @input.json --json', what: 'for programs' },
    { command: 'pawl run review.ts --external', what: 'agents do its tasks: see pawl tasks' },
    {
      command: 'pawl run p.js --alias @a5c-ai/babysitter-sdk=@pawl/sdk/babysitter',
      what: 'one that was written for Babysitter',
    },
    { command: 'pawl run plan.ts --reuse-from run_01kh…', what: 'write a process step by step' },
    { command: 'pawl run nightly.ts --id nightly-2026-11-21', what: 'at most one run of that id' },
  ],
  run: async ({ args, options, io }) => {
    const { json, debug } = options;
    const place = anyPlace(options, io);
    const id = options.id === undefined ? undefined : checkedRunId(options.id);
    if (place.engine !== undefined) {
      refuseDriveOptions(options);
      const input = await readJsonOption('--input', options.input, io);
      const start = { named: args[0] ?? '', alias: options.alias, input, id };
      return await startElsewhere(start, { io, place, isJson: json, isDebug: debug });
    }
    const reuseFrom = options.reuseFrom === undefined ? undefined : checkedRunId(options.reuseFrom);
    const driven = runtimeOptions(options, io);
    const config = await loadConfig(io.cwd);
    const aliases = givenAliases(options.alias, configuredAliases(config));
    const file = findModule(args[0] ?? '', io.cwd, aliases);
    const input = await readJsonOption('--input', options.input, io);
    const definition = await loadProcess(file, io.cwd);
    // Refused before a journal is made; the runtime checks again what it records.
    if (definition.input !== undefined) {
      await checkAgainst(definition.input, input, `The input of process '${definition.name}'`);
    }
    const executors = options.external ? undefined : config.executors;
    const session = await Session.open({ io, place, isJson: json, runtime: driven, executors });
    try {
      const known = id === undefined ? undefined : session.runtime.get(id);
      if (known?.status === 'running' && isOtherCode(known.codeHash, file))
        throw otherCode(known.runId, file.given);
      const handle = session.runtime.start(definition, input as never, {
        ...(id === undefined ? {} : { id }),
        ...(reuseFrom === undefined ? {} : { reuseFrom }),
        module: file.recorded,
        codeHash: file.digest,
        ...traceparentOf(io),
      });
      if (known !== undefined) session.warn(knownBefore(handle.id, known.status));
      const end = await session.drive(handle, definition.name, known?.lastSeq ?? 0);
      const told = { io, place, isJson: json, isDebug: debug };
      return tellChecks(session, tellEnd(session, handle.id, end, told), told);
    } finally {
      await session.close();
    }
  },
});

function otherCode(id: string, given: string): RuntimeError {
  return new RuntimeError(
    'REFUSED',
    `Run ${id} exists already, and ${given}, or a local file that it imports, has changed since.`,
    { hint: `See whether it fits: pawl resume ${id}`, data: { runId: id } },
  );
}

function knownBefore(id: string, status: string): string {
  return status === 'running'
    ? `Run ${id} exists already: going on with it.`
    : `Run ${id} has ended already: this is its recorded end.`;
}
