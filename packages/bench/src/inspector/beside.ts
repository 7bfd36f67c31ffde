/** `pnpm bench beside`: a page is open beside a run that is written, and how the journal bears it. */
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { stdout } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';

import { openRuntime } from '@pawl/runtime';
import { defineProcess, defineTask } from '@pawl/sdk';

import { ownModule } from '../spawn.ts';
import { LIMITS } from './limits.ts';
import { enter, openBrowser } from './page-times.ts';
import type { Probed } from './reader-probe.ts';
import { UiServer } from './ui-server.ts';

export interface BesideAsk {
  readonly minutes: number;
  readonly events: number;
  readonly folder: string;
  readonly onStep: (what: string) => void;
}

export interface Beside {
  readonly events: number;
  readonly walMost: number;
  readonly walIdle: number;
  /** Bytes, one a second. */
  readonly wal: readonly number[];
  readonly probed: Probed;
  readonly looked: 'a page' | 'a client';
  readonly requests: number;
}

const MIB = 2 ** 20;
const SAMPLE_MS = 1000;
const IDLE_MS = 10_000;
const EVENTS_A_TASK = 3;
const RUN = 'beside';

export async function lookBeside({ minutes, events, folder, onStep }: BesideAsk): Promise<Beside> {
  const path = join(folder, 'beside.db');
  const probe = join(folder, 'beside.json');
  const remove = (): void => {
    for (const file of [path, `${path}-wal`, `${path}-shm`, probe]) rmSync(file, { force: true });
  };
  remove();
  const wal: number[] = [];
  const walBytes = (): number => statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  try {
    const runtime = await openRuntime({ path, durability: 'full' });
    const module = ownModule('./inspector/reader-probe').href;
    const ui = await UiServer.over(path, [module], { PAWL_PROBE: probe });
    const sampler = setInterval(() => wal.push(walBytes()), SAMPLE_MS);
    try {
      const looker = await lookAt(ui);
      try {
        await write(runtime, minutes, events, (done) =>
          onStep(`${done} tasks, log ${(walBytes() / MIB).toFixed(1)} MiB`),
        );
        const written = runtime.get(RUN)?.lastSeq ?? 0;
        await sleep(Math.min(IDLE_MS, minutes * 30_000));
        return {
          events: written,
          walMost: Math.max(0, ...wal),
          walIdle: walBytes(),
          wal,
          probed: probedIn(probe),
          looked: looker.what,
          requests: looker.requests(),
        };
      } finally {
        await looker.end();
      }
    } finally {
      clearInterval(sampler);
      await ui[Symbol.asyncDispose]();
      await runtime.close();
    }
  } finally {
    remove();
  }
}

/** A run of so many events, spread over the time. */
async function write(
  runtime: Awaited<ReturnType<typeof openRuntime>>,
  minutes: number,
  events: number,
  onStep: (done: number) => void,
): Promise<void> {
  const tasks = Math.max(1, Math.floor(events / EVENTS_A_TASK));
  const everyMs = (minutes * 60_000) / tasks;
  const began = performance.now();
  const step = defineTask({
    name: 'step',
    run: async (n: number) => {
      const early = began + n * everyMs - performance.now();
      if (early > 1) await sleep(early);
      return { n, text: 'x'.repeat(200) };
    },
  });
  const process = defineProcess({
    name: 'beside',
    run: async (count: number, ctx) => {
      for (let n = 0; n < count; n += 1) await ctx.task(step, n);
      return count;
    },
  });
  const handle = runtime.start(process, tasks, { id: RUN });
  const told = setInterval(() => onStep(runtime.get(RUN)?.tasksSettled ?? 0), 5 * SAMPLE_MS);
  try {
    await handle.result();
  } finally {
    clearInterval(told);
  }
}

interface Looker {
  readonly what: Beside['looked'];
  readonly requests: () => number;
  readonly end: () => Promise<void>;
}

/** Two pages where there is a browser: of the run, and of all runs. */
async function lookAt(ui: UiServer): Promise<Looker> {
  const browser = await openBrowser();
  if (browser === undefined) return lookWithoutPage(ui);
  let requests = 0;
  for (const path of [`/runs/${RUN}`, '/']) {
    const page = await enter(browser, ui);
    page.on('request', () => (requests += 1));
    await page.goto(ui.path(path));
  }
  return { what: 'a page', requests: () => requests, end: () => browser.close() };
}

/** Asks as a page does: again for what it shows whenever it is told that something changed. */
function lookWithoutPage(ui: UiServer): Looker {
  const ended = new AbortController();
  const headers = { authorization: `Bearer ${ui.token}` };
  let requests = 0;
  const ask = async (path: string): Promise<void> => {
    requests += 1;
    const response = await fetch(ui.path(`/api${path}`), { headers, signal: ended.signal });
    await response.text();
  };
  const listen = async (): Promise<void> => {
    const response = await fetch(ui.path('/api/live'), { headers, signal: ended.signal });
    for await (const _ of response.body ?? [])
      await Promise.all([`/runs/${RUN}`, '/runs?limit=50', '/counts', '/waits'].map(ask));
  };
  const listening = listen().catch(() => undefined);
  return {
    what: 'a client',
    requests: () => requests,
    end: async () => {
      ended.abort();
      await listening;
    },
  };
}

function probedIn(file: string): Probed {
  if (!existsSync(file))
    return { statements: 0, over: 0, longestMs: 0, longestBusyMs: 0, mostBusyMs: 0, longest: '' };
  return JSON.parse(readFileSync(file, 'utf8')) as Probed;
}

const SHOWN = 20;

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}

/** @returns whether it stayed within the limits */
export async function benchBeside(ask: BesideAsk): Promise<boolean> {
  const { events, walMost, walIdle, wal, probed, looked, requests } = await lookBeside(ask);
  ask.onStep('');
  const every = Math.max(1, Math.ceil(wal.length / SHOWN));
  const over = wal.filter((_, index) => index % every === 0).map(mib);
  stdout.write(
    [
      `${events} events in ${ask.minutes} minutes, beside ${looked} that asked ${requests} times`,
      `log, MiB, every ${every} s: ${over.join(' ')}`,
      `log: at most ${mib(walMost)} MiB (limit ${mib(LIMITS.walMost)}), idle ${mib(walIdle)} MiB (limit ${mib(LIMITS.walIdle)})`,
      `transactions of the reader: ${probed.statements}, ${probed.over} over ${LIMITS.transactionMs} ms; the most that one had a processor for: ${probed.mostBusyMs.toFixed(1)} ms`,
      `the longest: ${probed.longestMs.toFixed(1)} ms, ${probed.longestBusyMs.toFixed(1)} ms of it on a processor: ${probed.longest}`,
      '',
    ].join('\n'),
  );
  return walMost < LIMITS.walMost && walIdle < LIMITS.walIdle && probed.longestMs < LIMITS.transactionMs;
}
