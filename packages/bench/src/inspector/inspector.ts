/** `pnpm bench inspector`: a large journal is made, and each view of the page over it is opened and timed. */
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { stdout } from 'node:process';

import { BenchFailure } from '../failure.ts';
import { fillJournal, type Filled, type JournalSize } from './large-journal.ts';
import { enter, openBrowser, timeAct, timeView, untilThere, type View, type ViewTime } from './page-times.ts';
import { UiServer } from './ui-server.ts';

export interface InspectorAsk extends JournalSize {
  /** Where the journal lies meanwhile. */
  readonly folder: string;
  readonly onStep: (what: string) => void;
}

/** @throws BenchFailure */
export async function benchInspector({ folder, onStep, ...size }: InspectorAsk): Promise<void> {
  const path = join(folder, 'inspector.db');
  const files = ['', '-wal', '-shm'].map((end) => `${path}${end}`);
  const remove = (): void => {
    for (const file of files) rmSync(file, { force: true });
  };
  remove();
  try {
    const began = performance.now();
    const filled = await fillJournal(path, size, onStep);
    const seconds = (performance.now() - began) / 1000;
    const mib = statSync(path).size / 2 ** 20;
    onStep('');
    const { runs, events } = filled;
    stdout.write(
      `${runs} runs, ${events} events: made in ${seconds.toFixed(0)} s, ${mib.toFixed(0)} MiB\n\n`,
    );
    const times = await look(path, filled, onStep);
    onStep('');
    stdout.write(`${tableText(times)}\n`);
  } finally {
    remove();
  }
}

async function look(
  path: string,
  filled: Filled,
  onStep: (what: string) => void,
): Promise<readonly ViewTime[]> {
  const browser = await openBrowser();
  if (browser === undefined)
    throw new BenchFailure(
      'PROGRAM',
      'There is no Chromium here: set PAWL_CHROMIUM, or apt-get install chromium',
    );
  try {
    await using ui = await UiServer.over(path);
    const page = await enter(browser, ui);
    const times: ViewTime[] = [];
    for (const view of viewsOf(filled)) {
      onStep(view.name);
      times.push(await timeView(page, ui, view));
    }
    await page.goto(ui.path('/'));
    await untilThere(page, '.run-row');
    const act = async (name: string, script: string, content: string): Promise<void> => {
      onStep(name);
      times.push(await timeAct(page, name, script, content));
    };
    await act(
      'Runs, a part of an id is typed',
      `const field = document.querySelector('[data-filter]'); field.value = 'run-0000007'; field.dispatchEvent(new Event('input', { bubbles: true }))`,
      `.list li:only-child [href="/runs/run-0000007"]`,
    );
    await act('a run is opened', `document.querySelector('.run-row').click()`, '.call');
    await page.goto(ui.path(`/runs/${filled.deep.id}?all=1`));
    await untilThere(page, `.rows[aria-label="${(filled.deep.calls + 1).toLocaleString('en-US')} calls"]`);
    await act(
      'timeline, scrolled to its end',
      `document.querySelector('.rows').scrollTop = 1e9`,
      `[data-at="${filled.deep.calls}"]`,
    );
    await act(
      'timeline, zoomed',
      `dispatchEvent(new KeyboardEvent('keydown', { key: '+' }))`,
      '.overview .link',
    );
    return times;
  } finally {
    await browser.close();
  }
}

function viewsOf({ runs, deep }: Filled): readonly View[] {
  const one = 'run-0000001';
  const middle = `run-${String(Math.floor(runs / 2)).padStart(7, '0')}`;
  return [
    { name: 'Runs', path: '/', content: '.run-row' },
    { name: 'Runs, again', path: '/', content: '.run-row' },
    { name: 'Runs, those that failed', path: '/?status=failed', content: '.run-row' },
    { name: 'Runs, from the middle on', path: `/?before=${middle}`, content: '.run-row' },
    { name: 'Runs, a text that none has', path: '/?text=no-such-text', content: '.empty' },
    { name: 'Waiting', path: '/waiting', content: '.ask' },
    { name: 'Workers', path: '/workers', content: '.empty, .workers li' },
    { name: 'Graph, of 50 runs', path: '/graph?process=order', content: '.graph .node' },
    { name: 'Pools', path: '/pools', content: '.pool' },
    { name: 'Queue', path: '/queue', content: '.empty, tbody tr' },
    { name: 'Schedules', path: '/schedules', content: '.empty, tbody tr' },
    { name: 'two runs compared', path: `/runs/${one}/compare/${middle}`, content: '.verdict' },
    { name: 'a run', path: `/runs/${one}`, content: '.call' },
    { name: 'its values', path: `/runs/${one}?tab=values`, content: '.value' },
    { name: 'its events', path: `/runs/${one}?tab=events`, content: '.event' },
    { name: `a run of ${deep.calls} calls`, path: `/runs/${deep.id}?all=1`, content: '.call' },
    { name: 'its events', path: `/runs/${deep.id}?tab=events`, content: '.event' },
  ];
}

function msText(ms: number | null): string {
  return (ms === null ? '' : `${ms.toFixed(0)} ms`).padStart(9);
}

function tableText(times: readonly ViewTime[]): string {
  const lines = times.map(
    ({ view, paintMs, contentMs }) => `${view.padEnd(34)}${msText(paintMs)}${msText(contentMs)}`,
  );
  return [`${'view'.padEnd(34)}${'paint'.padStart(9)}${'content'.padStart(9)}`, ...lines].join('\n');
}
