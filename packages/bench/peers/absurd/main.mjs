import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import { measure } from './kit/peer.mjs';
import { perform } from './kit/perform.mjs';
import { servePostgres, sizesOfPostgres } from './kit/postgres.mjs';

const QUEUE = 'default';
const { ABSURD_SQL } = process.env;

await measure({
  durability: 'Postgres, fsync and synchronous_commit on',
  note: 'steps of one task at once; concurrency 100 for runs; after a crash its lease adds up to 120 s to resume, not counted',

  async serve(dir) {
    if (ABSURD_SQL === undefined && !hasAbsurdctl()) {
      return {
        skipped:
          'its schema is not in its npm package: needs absurdctl on the PATH, or its file in ABSURD_SQL',
      };
    }
    const server = await servePostgres(dir);
    if (server.skipped !== undefined) return server;
    const database = server.env.PEER_DATABASE_URL;
    if (ABSURD_SQL === undefined)
      execFileSync('absurdctl', ['init', '-d', database], { stdio: ['ignore', 2, 2] });
    else await query(database, readFileSync(ABSURD_SQL, 'utf8'));
    return server;
  },

  async open(_dir, resumes) {
    const { Absurd } = await import('absurd-sdk');
    const { Client } = await import('pg');
    const url = process.env.PEER_DATABASE_URL;
    const app = new Absurd({ db: url, queueName: QUEUE });
    if (!resumes) await app.createQueue(QUEUE);
    app.registerTask({ name: 'case' }, async (input, ctx) => {
      await perform(input, (name, fn) => ctx.step(name, fn));
      return null;
    });
    const client = new Client(url);
    await client.connect();
    return {
      async start(inputs) {
        await Promise.all(inputs.map((input) => app.spawn('case', input)));
        await app.startWorker({ concurrency: Math.min(Math.max(inputs.length, 1), 100) });
      },
      sizes: sizesOfPostgres(client),
    };
  },

  expireLease: () =>
    query(process.env.PEER_DATABASE_URL, `UPDATE absurd.r_${QUEUE} SET claim_expires_at = now()`),
});

function hasAbsurdctl() {
  try {
    execFileSync('absurdctl', ['--help'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function query(url, sql) {
  const { Client } = await import('pg');
  const client = new Client(url);
  await client.connect();
  await client.query(sql);
  await client.end();
}
