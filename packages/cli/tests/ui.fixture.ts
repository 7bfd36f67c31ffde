import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { until, type Folder } from './pawl.fixture.ts';
import { Client } from './server.fixture.ts';

const ROOT = join(import.meta.dirname, '../../..');

/** The page is built where nobody did yet: sources of the server run as they are, and those of a page do not. */
export function buildPageOnce(): void {
  if (existsSync(join(ROOT, 'packages/inspector/dist/page/index.html'))) return;
  execFileSync(process.execPath, [join(ROOT, 'tooling/build-page.ts')], { cwd: ROOT });
}

/** `pawl ui` over the journal of the folder, at a port that is free. */
export class Ui extends Client {
  get url(): string {
    return /http:\S+/.exec(this.pawl.stderr)?.[0] ?? '';
  }

  get token(): string {
    return new URL(this.url).searchParams.get('token') ?? '';
  }

  get bearer(): Readonly<Record<string, string>> {
    return { authorization: `Bearer ${this.token}` };
  }
}

export async function showing(
  folder: Folder,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Ui> {
  buildPageOnce();
  const pawl = folder.start(['ui', '--port', '0', '--no-open', ...args], { env });
  await until(() => pawl.stderr.includes('Ctrl-C') || pawl.child.exitCode !== null);
  return new Ui(pawl, Number(/:(\d+)\//.exec(pawl.stderr)?.[1]));
}
