import type { Telemetry } from '@pawl/runtime';

import { clean } from './render/clean.ts';
import type { Io } from './terminal.ts';

/** Where the API keeps what a program has set up, whichever copy of it did. */
const SET_UP = Symbol.for('opentelemetry.js.api.1');

/** OpenTelemetry, where a module that was loaded before this program (`node --import`) has set it up. */
export async function telemetryOf({ err }: Io): Promise<Telemetry | undefined> {
  if (!(SET_UP in globalThis)) return undefined;
  try {
    const { openTelemetry } = await import('@pawl/runtime/otel');
    return openTelemetry();
  } catch (error) {
    const why = clean(error instanceof Error ? error.message : String(error));
    err.line(
      `${err.theme.attention('!')} OpenTelemetry is set up, and Pawl tells it nothing: ${why}. Install @opentelemetry/api beside Pawl.`,
    );
    return undefined;
  }
}

/** The span that this program was started in, by the environment. */
export function traceparentOf({ env }: Io): { readonly traceparent?: string } {
  const { TRACEPARENT: traceparent } = env;
  return traceparent === undefined ? {} : { traceparent };
}
