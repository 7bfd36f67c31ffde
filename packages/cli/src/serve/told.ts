/** Errors as answers over HTTP. */
import { isRuntimeError } from '@pawl/runtime/errors';
import { isPawlError } from '@pawl/sdk';
import type { Context } from 'hono';

import { refusal } from './guard.ts';

const STATUS = {
  USAGE: 400,
  NOT_FOUND: 404,
  REFUSED: 409,
  NEWER: 409,
  SEALED: 409,
  BUSY: 503,
  STOPPED: 503,
} as const;

/** What went wrong inside is told to whoever runs the server, and not to whoever asks. */
export function told(error: unknown, c: Context): Response {
  if (isRuntimeError(error) && error.code in STATUS) {
    const code = error.code as keyof typeof STATUS;
    return refusal(c, STATUS[code], code, error.message, error.hint);
  }
  if (isPawlError(error))
    return refusal(c, error.code === 'VALIDATION' ? 422 : 400, error.code, error.message);
  process.emitWarning(error instanceof Error ? error : String(error));
  return refusal(c, 500, 'UNEXPECTED', 'Something went wrong in the server.');
}
