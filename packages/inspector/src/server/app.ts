/** What the page asks for. It only reads; what changes anything is added by whoever serves it, or left out. */
import {
  addToHistory,
  createCallHistory,
  isRunId,
  type ForkAsk,
  type JournalReader,
  type RunId,
} from '@pawl/runtime';
import { RuntimeError } from '@pawl/runtime/errors';
import { Hono, type Context } from 'hono';

import { Comparisons } from './comparisons.ts';
import type { Describe, Document } from './describe.ts';
import { unnamed, withLeftOut } from './left-out.ts';
import { Lineage } from './lineage.ts';
import { Live, MOST_STREAMS } from './live.ts';
import { sendPage, type Page } from './page.ts';
import { PoolStatistics } from './pools.ts';
import { processGraph } from './process-graph.ts';
import { callDetail, eventDocument, runDetail } from './run-detail.ts';
import { RunFolds } from './run-folds.ts';
import { runFilter } from './run-filter.ts';
import { countsOf, pageOfRuns, runNamed } from './run-page.ts';
import { sharedPage } from './shared-page.ts';
import { sharedRun } from './shared-run.ts';
import { slicesOf } from './slices.ts';
import { taskDocuments, waitDocuments } from './waits.ts';
import { PARTS, wholeValue } from './whole-value.ts';
import { scheduleDetail, workerDocuments } from './workers.ts';

export interface InspectorOptions {
  readonly reader: JournalReader;
  readonly describe: Describe;
  readonly page: Page;
  /** What the page tells of the journal and of who looks: `journal`, `user`. */
  readonly about: Document;
  /** Routes under `/api` that change something; undefined: there are none. */
  readonly actions: Hono | undefined;
  /** Aborted once the server is to end. */
  readonly closing: AbortSignal;
}

const VERSION = 1;
const MOST_LISTED = 500;
/** Characters of a value that is sent as a whole. */
const MOST_WHOLE = 8 * 1024 * 1024;

export function createInspector(options: InspectorOptions): Hono {
  const { page, about, actions, reader, closing } = options;
  const app = new Hono();
  const live = new Live(reader, closing);
  const api = new Hono();
  api.get('/about', (c) => answer(c, { ...about, readOnly: actions === undefined }));
  api.get('/live', (c) => {
    if (live.open >= MOST_STREAMS) throw new RuntimeError('BUSY', `${MOST_STREAMS} pages are open already.`);
    return live.stream(c);
  });
  addRuns(api, options);
  addRun(api, options);
  addCompare(api, options);
  addTables(api, options);
  api.get('/runs/:id/page.html', async (c) => {
    const id = mustGet(reader, c);
    c.header('content-type', 'text/html; charset=utf-8');
    c.header('content-disposition', `attachment; filename="${id.replaceAll(/[^\w.-]/g, '_')}.html"`);
    return c.body(await shareRun(app, page, id));
  });
  if (actions !== undefined) api.route('/', actions);
  api.all('*', () => {
    throw new RuntimeError('NOT_FOUND', 'There is nothing here.');
  });
  app.route('/api', api);
  app.get('*', (c) => sendPage(c, page));
  return app;
}

/**
 * One run as a page that needs no server and no network: what this inspector tells of it.
 * @throws RuntimeError NOT_FOUND where the page is not built
 */
export async function shareRun(inspector: Hono, page: Page, id: RunId): Promise<string> {
  const ask = async (path: string): Promise<Document | undefined> => {
    const response = await inspector.request(`/api${path}`);
    return response.ok ? ((await response.json()) as Document) : undefined;
  };
  return sharedPage(page, await sharedRun(id, ask, { journal: '', user: '', readOnly: true }, Date.now()));
}

function answer(c: Context, document: Document): Response {
  return c.json({ version: VERSION, ...document });
}

function addRuns(api: Hono, { reader, describe }: InspectorOptions): void {
  api.get('/counts', (c) => answer(c, { ...countsOf(reader) }));
  api.get('/runs', (c) => {
    const filter = runFilter(c, describe, numberOf(c, 'limit', 50, MOST_LISTED));
    // A whole id is sought alone, not with all that begin like it.
    const { text } = c.req.query();
    const exact = text === undefined ? undefined : runNamed(reader, text);
    if (exact !== undefined && isOnlyText(c))
      return answer(c, { runs: [describe.run(exact)], next: null, scanned: 1, leftOut: [] });
    const { runs, ...more } = pageOfRuns(reader, filter);
    return answer(c, { runs: runs.map((run) => describe.run(run)), ...more });
  });
  // What the newest runs are of: a suggestion, and no list of all.
  api.get('/processes', (c) => {
    const named = new Set(reader.list({ limit: MOST_LISTED }, unnamed).map(({ process }) => process));
    return answer(c, { processes: [...named].toSorted() });
  });
  api.get('/waits', (c) =>
    answer(
      c,
      withLeftOut((leftOut) => ({
        waits: waitDocuments(reader, describe, undefined, leftOut),
        tasks: taskDocuments(describe.openTasks(reader, leftOut, MOST_LISTED), describe),
      })),
    ),
  );
}

function addRun(api: Hono, { reader, describe, closing }: InspectorOptions): void {
  const folds = new RunFolds(reader, closing);
  const reading = { reader, closing };
  api.get('/runs/:id', (c) => {
    const id = idOf(c);
    const start = reader.start(id);
    if (start !== undefined)
      return answer(c, { start: describe.start(start), why: describe.why(reader, id) });
    return answer(c, runDetail(reader, { describe, folds }, id, isWhole(c)));
  });
  api.get('/runs/:id/call', (c) => {
    const id = mustGet(reader, c);
    const { tree, isPart } = folds.read(id, isWhole(c));
    const call = callDetail(tree, c.req.query('key') ?? '', describe);
    if (call === undefined && isPart) throw new RuntimeError('BUSY', 'The run is still being read.');
    if (call === undefined) throw new RuntimeError('NOT_FOUND', 'There is no such call in this run.');
    return answer(c, { call });
  });
  api.get('/runs/:id/value', async (c) => {
    const part = PARTS.find((name) => name === (c.req.query('part') ?? 'input'));
    if (part === undefined) throw new RuntimeError('USAGE', `part is ${PARTS.join(', ')}.`);
    const value = await wholeValue(reading, mustGet(reader, c), c.req.query('key') ?? '', part);
    if (value === undefined) throw new RuntimeError('NOT_FOUND', 'There is no such value in this run.');
    return answer(c, { value: whole(value, c.req.param('id')) });
  });
  api.get('/runs/:id/events', (c) => {
    const id = mustGet(reader, c);
    const after = numberOf(c, 'after', 0, Number.MAX_SAFE_INTEGER);
    const limit = numberOf(c, 'limit', 200, MOST_LISTED);
    const events = Array.from(reader.events(id, after).take(limit), eventDocument);
    return answer(c, { events, last: reader.get(id).lastSeq });
  });
  api.get('/runs/:id/logs', (c) => {
    const after = numberOf(c, 'after', 0, Number.MAX_SAFE_INTEGER);
    const limit = numberOf(c, 'limit', 200, MOST_LISTED);
    return answer(c, { lines: [...reader.logs(mustGet(reader, c), { after }).take(limit)] });
  });
  api.get('/runs/:id/events/:seq', (c) => {
    const id = mustGet(reader, c);
    const seq = Number(c.req.param('seq'));
    const [recorded] = Number.isSafeInteger(seq) && seq > 0 ? reader.events(id, seq - 1).take(1) : [];
    if (recorded === undefined) throw new RuntimeError('NOT_FOUND', 'There is no such event in this run.');
    return answer(c, { value: whole(recorded.event, id) });
  });
  const lineage = new Lineage(reading);
  api.get('/runs/:id/lineage', async (c) =>
    answer(c, { lineage: await lineage.of(mustGet(reader, c), describe) }),
  );
  api.get('/runs/:id/plan', async (c) => {
    const id = mustGet(reader, c);
    const ask = askOf(c);
    const history = createCallHistory();
    for await (const slice of slicesOf(reading, id, Infinity))
      for (const recorded of slice) addToHistory(history, recorded);
    const plan = reader.planFork(id, ask, history);
    const { seq, before, kept, reused, again } = plan;
    return answer(c, {
      seq,
      before,
      kept: [...kept],
      reused: reused.slice(0, MOST_LISTED),
      again: again.slice(0, MOST_LISTED),
    });
  });
}

function addCompare(api: Hono, { reader, describe, closing }: InspectorOptions): void {
  const comparisons = new Comparisons({ reader, closing }, describe);
  api.get('/runs/:id/compare/:other', async (c) => {
    const other = c.req.param('other');
    if (!isRunId(other)) throw new RuntimeError('USAGE', 'That is no run id.');
    return answer(c, await comparisons.of(idOf(c), other));
  });
}

function addTables(api: Hono, { reader, describe, closing }: InspectorOptions): void {
  const pools = new PoolStatistics({ reader, closing });
  api.get('/pools', async (c) => answer(c, { pools: await pools.statuses() }));
  api.get('/queue', (c) =>
    answer(c, {
      starts: reader.queued(MOST_LISTED).map(describe.start),
      setBack: reader.setBack(MOST_LISTED),
    }),
  );
  api.get('/schedules', (c) =>
    answer(c, {
      schedules: reader.schedules().map((schedule) => scheduleDetail(reader, describe, schedule)),
    }),
  );
  api.get('/graph', async (c) => {
    const process = c.req.query('process');
    if (process === undefined) throw new RuntimeError('USAGE', 'Of which process: ?process=<name>');
    const most = numberOf(c, 'runs', 50, 200);
    return answer(c, await processGraph({ reader, closing }, process, most));
  });
  api.get('/workers', (c) => answer(c, { workers: workerDocuments(reader, describe) }));
}

const FILTERS = ['status', 'process', 'within', 'from', 'to', 'where', 'before'];

function isOnlyText(c: Context): boolean {
  return FILTERS.every((name) => c.req.query(name) === undefined);
}

/** What a fork would come to does not depend on the results that are set: their calls are named. */
function askOf(c: Context): ForkAsk {
  const at = c.req.query('at');
  const set = c.req.queries('set') ?? [];
  if (at === undefined && set.length === 0) return { retries: true };
  return {
    retries: false,
    reuse: c.req.query('reuse') === '1',
    ...(at === undefined ? {} : { at }),
    set: Object.fromEntries(set.map((key) => [key, null])),
  };
}

/** Every call is asked for, and not only the first of each place. */
function isWhole(c: Context): boolean {
  return c.req.query('all') === '1';
}

/** @throws RuntimeError REFUSED for what no page should hold */
function whole<T>(value: T, id: string): T {
  if (JSON.stringify(value).length <= MOST_WHOLE) return value;
  throw new RuntimeError('REFUSED', 'It is too large for a page.', { hint: `pawl events ${id} --json` });
}

/** @throws RuntimeError USAGE */
function idOf(c: Context): RunId {
  const id = c.req.param('id') ?? '';
  if (isRunId(id)) return id;
  throw new RuntimeError('USAGE', 'That is no run id.');
}

/** @throws RuntimeError USAGE, NOT_FOUND */
function mustGet(reader: JournalReader, c: Context): RunId {
  return reader.get(idOf(c)).runId;
}

/** @throws RuntimeError USAGE */
function numberOf(c: Context, name: string, usual: number, most: number): number {
  const given = c.req.query(name);
  if (given === undefined) return usual;
  const number = Number(given);
  if (/^\d{1,16}$/.test(given) && number <= most) return number;
  throw new RuntimeError('USAGE', `${name} is a whole number of at most ${most}.`);
}
