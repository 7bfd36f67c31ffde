import { InvalidOptionError } from '@pawl/sdk';

const HEX = /^[0-9a-f]{64}$/i;

/**
 * The key that secrets are sealed with, as base64; none where none is given.
 * @throws InvalidOptionError, which does not say what was given
 */
export function resolveSecretKey(given: unknown, env: NodeJS.ProcessEnv): string | undefined {
  if (given !== undefined) return checkedKey('secretKey', given);
  const text = env['PAWL_SECRET_KEY'];
  return text === undefined || text === '' ? undefined : checkedKey('PAWL_SECRET_KEY', text);
}

function checkedKey(option: string, given: unknown): string {
  const text = typeof given === 'string' ? given.trim() : '';
  const bytes = Buffer.from(text, HEX.test(text) ? 'hex' : 'base64');
  if (bytes.length === 32 && (HEX.test(text) || bytes.toString('base64') === text))
    return bytes.toString('base64');
  throw new InvalidOptionError(
    option,
    '[secret]',
    '32 bytes in base64 or hex, as `openssl rand -base64 32` makes',
  );
}
