import { env } from 'node:process';

/** The empty folder that a program may fill; whoever started it removes it. */
export function benchFolder(): string {
  return env['BENCH_DIR'] ?? '.';
}
