import { measure } from './kit/peer.mjs';
import { perform } from './kit/perform.mjs';
import { servePostgres, sizesOfPostgres } from './kit/postgres.mjs';

await measure({
  durability: 'Postgres, fsync and synchronous_commit on',
  note: 'workflows called directly, not through a queue; pool of 10 connections (default)',
  serve: servePostgres,

  async open() {
    const { DBOS } = await import('@dbos-inc/dbos-sdk');
    const { Client } = await import('pg');
    const workflow = DBOS.registerWorkflow(
      (input) => perform(input, (name, fn) => DBOS.runStep(fn, { name })),
      { name: 'case' },
    );
    const systemDatabaseUrl = process.env.PEER_DATABASE_URL;
    DBOS.setConfig({ name: 'peer', systemDatabaseUrl, logLevel: 'error', applicationVersion: '1' });
    // Launching takes up what was pending: that is its resume.
    await DBOS.launch();
    const client = new Client(systemDatabaseUrl);
    await client.connect();
    return {
      async start(inputs) {
        const handles = await Promise.all(inputs.map((input) => DBOS.startWorkflow(workflow)(input)));
        await Promise.all(handles.map((handle) => handle.getResult()));
      },
      sizes: sizesOfPostgres(client),
    };
  },
});
