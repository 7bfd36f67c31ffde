import { spawnSync } from 'node:child_process';

import { ROOT } from './run-command.ts';

// Whether packages that are installed have known weaknesses. Not every registry answers that, and not every machine has
// one: then it is said, and nothing fails.

interface Audit {
  readonly metadata?: {
    readonly vulnerabilities?: Readonly<Record<string, number>>;
  };
}

const PNPM = ['-y', 'pnpm@12.21.0', 'audit', '--json'];
const LONGEST_MS = 60_000;

const { stdout, stderr } = spawnSync('npx', PNPM, { cwd: ROOT, encoding: 'utf8', timeout: LONGEST_MS });
const vulnerabilities = vulnerabilitiesIn(stdout);
if (vulnerabilities === undefined) {
  const why = /ERR_PNPM\w+/.exec(stdout + stderr)?.[0] ?? 'no answer';
  console.log(`skipped: the registry answers no audits (${why})`);
} else {
  const found = Object.entries(vulnerabilities).filter(([, count]) => count > 0);
  const isBad = found.some(([severity]) => severity === 'high' || severity === 'critical');
  const counts = found.map(([severity, count]) => `${count} ${severity}`).join(', ');
  console.log(counts === '' ? 'no known weakness' : `${counts}: pnpm audit says where`);
  process.exitCode = isBad ? 1 : 0;
}

function vulnerabilitiesIn(text: string): Readonly<Record<string, number>> | undefined {
  try {
    return (JSON.parse(text) as Audit).metadata?.vulnerabilities;
  } catch {
    return undefined;
  }
}
