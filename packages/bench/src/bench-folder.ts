import { env } from 'node:process';

/** The empty folder that a program may fill, and does not remove. */
export function benchFolder(): string {
  return env['BENCH_DIR'] ?? '.';
}
