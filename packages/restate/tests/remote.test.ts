import { defineProcess, defineTask } from '@pawl/sdk';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RestateClient } from '../src/index.ts';
import { KEEP_ALIVE } from './fuzz.fixture.ts';
import { journalOf } from './journal.fixture.ts';
import { mostAtOnce, RemotePrograms } from './remote.fixture.ts';
import { RestateServer, serverProgram } from './server.fixture.ts';

const program = serverProgram();

describe.skipIf(program === undefined)('tasks on other workers', () => {
  let server: RestateServer;
  let client: RestateClient;
  let programs: RemotePrograms;

  beforeAll(async () => {
    server = await RestateServer.start(String(program), KEEP_ALIVE);
    client = new RestateClient({ ingress: server.ingress });
    programs = new RemotePrograms(server);
    await Promise.all([programs.start('driver'), programs.start('tasks')]);
  });
  afterAll(async () => {
    await programs.close();
    await server.close();
  });

  async function attemptsOf(run: string): Promise<number> {
    const journal = await journalOf(server, run);
    return journal.filter(({ event }) => event.type === 'AttemptStarted').length;
  }

  it('are done there, beside those that are done here', async () => {
    const run = await client.start<{ id: string }, string[]>('two', { id: 'both' }, { id: 'both' });
    await run.result();
    const [here] = programs.told('both here');
    const [there] = programs.told('both there');
    expect(here?.pid).not.toBe(there?.pid);
  });
});
