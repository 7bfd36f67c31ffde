/** A step that waits for a message from outside: a person's answer, in most cases. */
import { durationMs, type Context, type Duration, type WorkflowScope } from '@pawl/sdk';

import { readTemplate, valueOf, type PlacePath, type Reader, type Template } from './template.ts';

type Fields = Readonly<Record<string, unknown>>;

const OPTIONS = ['name', 'prompt', 'data', 'timeout'];

/** `receive: approval`, or `receive: { name: approval, prompt: …, data: …, timeout: 2d }`. */
export function compileReceive(
  receive: unknown,
  path: PlacePath,
  at: Reader,
): (ctx: Context, scope: WorkflowScope) => Promise<unknown> {
  const fields = fieldsOf(receive);
  const { name } = fields;
  if (typeof name !== 'string' || name === '')
    at.problems.push({ path, message: `'receive' must be the name of a message, or an object with a name` });
  for (const option of Object.keys(fields)) {
    if (!OPTIONS.includes(option))
      at.problems.push({
        path: [...path, option],
        message: `'${option}' is not known here: receive takes ${OPTIONS.join(', ')}`,
      });
  }
  const read = (option: string): Template => readTemplate(fields[option], [...path, option], at);
  const [message, prompt, data] = [read('name'), read('prompt'), read('data')];
  const timeout = timeoutOf(fields['timeout'], [...path, 'timeout'], at);
  return (ctx, scope) => {
    const shown = valueOf(prompt, scope);
    const beside = valueOf(data, scope);
    return ctx.receive(asText(valueOf(message, scope)), {
      ...(shown === undefined ? {} : { prompt: asText(shown) }),
      ...(beside === undefined ? {} : { data: beside }),
      ...(timeout === undefined ? {} : { timeout }),
    });
  };
}

function timeoutOf(timeout: unknown, path: PlacePath, at: Reader): number | undefined {
  if (timeout === undefined) return undefined;
  try {
    // It looks at what it gets, whatever that is.
    return durationMs(timeout as Duration, 'timeout');
  } catch (error) {
    at.problems.push({ path, message: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}

function fieldsOf(receive: unknown): Fields {
  if (typeof receive === 'string') return { name: receive };
  return typeof receive === 'object' && receive !== null && !Array.isArray(receive)
    ? (receive as Fields)
    : {};
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
