import type { Recorded } from '@pawl/runtime';
import { BurstStore, readStore } from '@pawl/runtime/elsewhere';
import { StepReader, type Step } from '../src/step.ts';

/** What answers queries. */
export interface Asked {
  sql<Row>(query: string): Promise<Row[]>;
}

interface Row {
  readonly raw: string;
}

/** A run's journal as Restate has it: empty where its SQL does not show the beginning yet. */
export async function journalOf(server: Asked, runId: string): Promise<readonly Recorded[]> {
  const store = new BurstStore(() => undefined);
  for (const step of await stepsOf(server, runId)) if (step.type === 'burst') store.load(step.burst, 0);
  if (store.getRun(runId, 0) === undefined) return [];
  return [
    ...readStore(store, {
      sql: () => Promise.reject(new Error('a file has that')),
      close: () => undefined,
    }).events(runId),
  ];
}

/** What its driver did, one entry after the other. */
export async function stepsOf(server: Asked, runId: string): Promise<Step[]> {
  const [invocation] = await server.sql<{ id: string }>(
    `select id from sys_invocation where target_service_key = '${runId}' and target_handler_name = 'run'`,
  );
  const rows = await server.sql<Row>(
    `select raw from sys_journal where id = '${invocation?.id}' and entry_type = 'Notification: Run' order by index`,
  );
  const reader = new StepReader();
  return rows.flatMap(({ raw }) => {
    const step = reader.read(entryOf(raw));
    return step === undefined ? [] : [step];
  });
}

/** The value is the last field of Restate's message, and the one that is long: its length is told before it. */
function entryOf(raw: string): Uint8Array {
  const bytes = Buffer.from(raw, 'hex');
  const start = /\{"type":"|\d+\/\d+:/.exec(bytes.toString('latin1'))?.index ?? 0;
  return bytes.subarray(start);
}
