/** A program that reads a journal, over and over, until its input ends. */
import { openJournal, RuntimeError } from '@pawl/runtime';
import { tell } from './world.fixture.ts';

const [path = ''] = process.argv.slice(2);
let rounds = 0;
const wanted = new AbortController();
process.stdin.on('end', () => wanted.abort());
process.stdin.resume();

function look(): void {
  using journal = openJournal({ path });
  for (const { runId, lastSeq } of journal.list({ limit: 100 })) {
    let seq = 0;
    for (const event of journal.events(runId)) {
      if (event.seq !== seq + 1) tell({ at: 'failure', message: `seq ${event.seq} follows ${seq}` });
      seq = event.seq;
    }
    if (seq < lastSeq) tell({ at: 'failure', message: `run ${runId} has ${seq} of ${lastSeq} events` });
    journal.get(runId);
  }
  const { damage } = journal.verify();
  if (damage.length > 0) tell({ at: 'failure', message: JSON.stringify(damage) });
}

while (!wanted.signal.aborted) {
  try {
    look();
    rounds += 1;
    if (rounds === 1) tell({ at: 'reading' });
  } catch (error) {
    const code = error instanceof RuntimeError ? error.code : 'other';
    tell({ at: 'failure', code, message: String(error) });
  }
  await new Promise((resolve) => setImmediate(resolve));
}
tell({ at: 'read', rounds });
