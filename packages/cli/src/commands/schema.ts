import { nearest, RuntimeError } from '@pawl/runtime';

import { COMMON_OPTIONS, defineCommand, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { DESCRIBED, jsonSchemaOf } from '../json-schema/json-schema.ts';
import { jsonLine } from '../render/json.ts';

export const schemaCommand: Command = defineCommand({
  description:
    'Prints the JSON Schema (2020-12) of each line that a command writes with --json: a versioned contract, in which fields are added and never changed. Without a name: the commands.',
  arguments: [{ name: '[command]', description: 'such as list' }],
  options: COMMON_OPTIONS,
  examples: [
    { command: 'pawl schema list', what: 'what pawl list --json writes' },
    { command: 'pawl schema show > show.schema.json', what: 'for types, or a validator' },
  ],
  run: async ({ args: [command], options, io }) => {
    if (command === undefined) {
      if (options.json) io.out.line(jsonLine({ commands: DESCRIBED }));
      else io.out.lines(DESCRIBED);
      return DONE;
    }
    const schema = jsonSchemaOf(command);
    if (schema === undefined) {
      const near = nearest(command, DESCRIBED);
      throw new RuntimeError('NOT_FOUND', `There is no command '${command.slice(0, 80)}'.`, {
        hint: near.length > 0 ? `Did you mean ${near.join(' or ')}?` : 'See them: pawl schema',
      });
    }
    if (options.json) io.out.line(jsonLine({ command, schema }));
    else io.out.lines(JSON.stringify(schema, null, 2).split('\n'));
    return DONE;
  },
});
