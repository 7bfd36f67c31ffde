/** What is measured: the table of goals, A to J, as data. */
import type { Case, Figure, Subject } from './case.ts';
import { order, UNWATCHED, type Order, type ProgramName } from './order.ts';
import { RESULT_BYTES } from './programs/result-bytes.ts';
import { bestDurablePeer, countOf, meanOf, perSecond, ratio, samplesOf } from './round.ts';
import type { Sample } from './sample.ts';

export type Tier = 'quick' | 'standard' | 'full';

export const PAWL = 'Pawl';
export const PAWL_NORMAL = 'Pawl, durability normal';
const PAWL_WARM = 'Pawl, warm';
const SLOW = 'Pawl, commits 5 ms slower';
const RAW_COMMITS = 'raw: an insert a commit, reused log';
const RAW_BATCHES = 'raw: 1,000 inserts a commit';
const RAW_ROWS = 'raw: rows iterated';
const SQLITE_ALONE = 'SQLite alone, our statements';
const MIB = 2 ** 20;

function ours(program: ProgramName, steps: number, more: Partial<Order> = {}): Subject {
  return { who: PAWL, order: order(program, steps, more) };
}

function both(program: ProgramName, steps: number, more: Partial<Order> = {}): Subject[] {
  return [
    ours(program, steps, more),
    { who: PAWL_NORMAL, order: order(program, steps, { ...more, durability: 'normal' }) },
  ];
}

function slow(program: ProgramName, steps: number): Subject {
  return { who: SLOW, order: order(program, steps, { slowerMs: 5 }) };
}

function figure(
  name: string,
  unit: string,
  better: Figure['better'],
  goal: number | null,
  of: Figure['of'],
): Figure {
  return { name, unit, better, goal, of };
}

function delay(...whos: readonly string[]): Figure[] {
  return whos.map((who) =>
    figure(`event loop delay p99, ${who}`, 'ms', 'less', 20, (round) => countOf(round, who, 'delayP99Ms')),
  );
}

function timesBestPeer(goal: number, value: (sample: Sample) => number = perSecond): Figure {
  return figure('times the best durable peer', 'x', 'more', goal, (round, peers) =>
    ratio(meanOf(round, PAWL, value), bestDurablePeer(round, peers, value)),
  );
}

function rate(name: string, goal: number | null): Figure {
  return figure(name, '/s', 'more', goal, (round) => meanOf(round, PAWL, perSecond));
}

function cpuPerStep(who: string): Figure['of'] {
  return (round) => {
    const [sample] = samplesOf(round, who);
    const micros = sample?.counts.cpuMicros;
    return sample === undefined || micros === undefined ? undefined : micros / sample.steps;
  };
}

const RAW: readonly Case[] = [
  {
    id: 'raw',
    title: 'What the machine gives',
    raw: [],
    ours: [
      { who: RAW_COMMITS, order: order('rawCommits', 1000) },
      { who: 'raw: an insert a commit, cold log', order: order('rawCommits', 1000, { way: 'cold' }) },
      {
        who: 'raw: an insert a commit, NORMAL',
        order: order('rawCommits', 10_000, { durability: 'normal' }),
      },
      { who: RAW_BATCHES, order: order('rawBatches', 100_000) },
      { who: RAW_ROWS, order: order('rawIterate', 300_000) },
      { who: 'raw: 4 KiB fdatasync, append', order: order('rawPages', 1000, { way: 'append' }) },
      { who: 'raw: 4 KiB fdatasync, overwrite', order: order('rawPages', 1000, { way: 'overwrite' }) },
    ],
    peers: null,
    speed: 'per second',
    figures: [],
  },
];

function sequentialCases(steps: number, longer: number): Case[] {
  const warm = { warmUp: 2000 };
  // What a step costs, and not what compiling costs: that goes on for thousands of steps.
  const unwatched = { warmUp: 2 * longer, way: UNWATCHED };
  return [
    {
      id: 'A',
      title: `Sequential, ${text(steps)} steps`,
      raw: [{ who: RAW_COMMITS, order: order('rawCommits', steps) }],
      ours: [
        ...both('sequential', steps),
        { who: PAWL_WARM, order: order('sequential', steps, warm) },
        {
          who: SLOW,
          order: order('sequential', Math.ceil(steps / 5), { slowerMs: 5 }),
        },
      ],
      peers: { name: 'sequential', steps },
      speed: 'per second',
      figures: [
        rate('steps, new file and program', null),
        figure('steps, warm', '/s', 'more', null, (round) => meanOf(round, PAWL_WARM, perSecond)),
        figure('of raw commits, warm', 'x', 'more', 0.6, (round) =>
          ratio(meanOf(round, PAWL_WARM, perSecond), meanOf(round, RAW_COMMITS, perSecond)),
        ),
        timesBestPeer(5),
        ...delay(PAWL, SLOW),
      ],
    },
    {
      id: 'J',
      title: `Processor time of ${text(longer)} sequential steps, after ${text(2 * longer)}`,
      raw: [{ who: SQLITE_ALONE, order: order('replayed', longer, unwatched) }],
      ours: [{ who: PAWL_WARM, order: order('sequential', longer, unwatched) }],
      peers: null,
      speed: 'per second',
      figures: [
        figure('a step, all of it', 'µs', 'less', null, cpuPerStep(PAWL_WARM)),
        figure("a step, SQLite's own", 'µs', 'less', null, cpuPerStep(SQLITE_ALONE)),
        figure('a step, the engine', 'µs', 'less', 25, (round) => {
          const whole = cpuPerStep(PAWL_WARM)(round, []);
          const own = samplesOf(round, SQLITE_ALONE).map((s) => (s.counts.cpuMicros ?? 0) / s.steps);
          if (whole === undefined || own.length === 0) return undefined;
          return whole - own.reduce((sum, each) => sum + each, 0) / own.length;
        }),
      ],
    },
  ];
}

function fanOutCases(steps: number, goal: number): Case {
  const wide = 'Pawl, concurrency 10,000';
  return {
    id: 'B',
    title: `Fan-out of ${text(steps)}`,
    raw: [{ who: RAW_BATCHES, order: order('rawBatches', Math.max(steps * 3, 1000)) }],
    ours: [
      ...both('fanOut', steps),
      { who: PAWL_WARM, order: order('fanOut', steps, { warmUp: 20_000 }) },
      ...(steps < 10_000 ? [] : [{ who: wide, order: order('fanOut', steps, { concurrency: 10_000 }) }]),
      slow('fanOut', steps),
    ],
    peers: { name: 'fanOut', steps },
    speed: 'per second',
    figures: [
      rate('tasks, new file and program', goal),
      figure('tasks, warm', '/s', 'more', null, (round) => meanOf(round, PAWL_WARM, perSecond)),
      figure('tasks, concurrency 10,000', '/s', 'more', null, (round) => meanOf(round, wide, perSecond)),
      timesBestPeer(40),
      ...delay(PAWL, SLOW),
    ],
  };
}

function resumeCase(steps: number, goalMs: number, isLong: boolean): Case {
  const killed = 'Pawl, after SIGKILL';
  return {
    id: 'C',
    title: `Resume after ${text(steps)} recorded steps`,
    raw: [{ who: RAW_ROWS, order: order('rawIterate', steps * 3) }],
    ours: [
      ...(isLong ? [] : [ours('resume', steps, { way: 'same program' })]),
      { who: killed, order: order('resume', steps, { way: 'after SIGKILL' }) },
    ],
    peers: steps > 10_000 ? null : { name: 'resume', steps },
    speed: 'ms',
    figures: [
      figure('same program', 'ms', 'less', goalMs, (round) => meanOf(round, PAWL, ({ ms }) => ms)),
      figure('new program, after SIGKILL', 'ms', 'less', goalMs, (round) =>
        meanOf(round, killed, ({ ms }) => ms),
      ),
      figure('the same, from its spawn to its end', 'ms', 'less', isLong ? null : 1000, (round) =>
        countOf(round, killed, 'sinceSpawnMs'),
      ),
      figure('peak RSS', 'MiB', 'less', isLong ? 400 : null, (round) =>
        meanOf(round, killed, ({ rssBytes }) => rssBytes / MIB),
      ),
      ...delay(killed),
    ],
  };
}

function runsCase(runs: number): Case {
  const hundred = 'Pawl, 100 at a time';
  return {
    id: 'D',
    title: `${text(runs)} runs of 3 steps`,
    raw: [{ who: RAW_BATCHES, order: order('rawBatches', Math.max(runs * 11, 1000)) }],
    ours: [
      ...both('runs', runs),
      { who: hundred, order: order('runs', runs, { concurrency: 100 }) },
      slow('runs', runs),
    ],
    peers: { name: 'runs', steps: runs },
    speed: 'per second',
    figures: [
      figure('runs, all at once', '/s', 'more', null, (round) =>
        meanOf(round, PAWL, (s) => perSecond(s) / 3),
      ),
      figure('runs, 100 at a time', '/s', 'more', null, (round) =>
        meanOf(round, hundred, (s) => perSecond(s) / 3),
      ),
      timesBestPeer(10),
      ...delay(PAWL, hundred, SLOW),
    ],
  };
}

function payloadCase(results: number): Case {
  return {
    id: 'E',
    title: `${text(results)} results of 1 KiB`,
    raw: [],
    ours: [...both('payload', results), slow('payload', results)],
    peers: { name: 'payload', steps: results },
    speed: 'per second',
    figures: [
      figure('peak RSS', 'MiB', 'less', 120, (round) => meanOf(round, PAWL, (s) => s.rssBytes / MIB)),
      figure('peak log', 'MiB', 'less', 64, (round) => meanOf(round, PAWL, (s) => (s.walBytes ?? 0) / MIB)),
      figure('F: file, times the payload', 'x', 'less', 2.2, (round) =>
        meanOf(round, PAWL, (s) => (s.diskBytes ?? 0) / (results * RESULT_BYTES)),
      ),
      ...delay(PAWL, SLOW),
    ],
  };
}

function streamCase(items: number): Case {
  return {
    id: 'E',
    title: `A stream of ${text(items)} items, reduced`,
    raw: [],
    ours: [ours('stream', items), slow('stream', items / 10)],
    peers: null,
    speed: 'per second',
    figures: [
      rate('items', null),
      figure('peak RSS', 'MiB', 'less', 200, (round) => meanOf(round, PAWL, (s) => s.rssBytes / MIB)),
      figure('peak log', 'MiB', 'less', 64, (round) => meanOf(round, PAWL, (s) => (s.walBytes ?? 0) / MIB)),
      ...delay(PAWL, SLOW),
    ],
  };
}

function diskCase(steps: number): Case {
  return {
    id: 'F',
    title: `File of ${text(steps)} trivial steps`,
    raw: [],
    ours: [{ who: PAWL_NORMAL, order: order('sequential', steps, { durability: 'normal' }) }],
    peers: null,
    speed: 'per second',
    figures: [
      figure('bytes a step, all events', 'bytes', 'less', 300, (round) =>
        meanOf(round, PAWL_NORMAL, (s) => (s.diskBytes ?? 0) / s.steps),
      ),
    ],
  };
}

function otherCases(tasks: number): Case[] {
  return [
    {
      id: 'G',
      title: 'Start of a program',
      raw: [],
      ours: [ours('start', 20)],
      peers: null,
      speed: 'ms',
      figures: [
        figure('node alone', 'ms', 'less', null, (round) => countOf(round, PAWL, 'bareMs')),
        figure('to the first durable step', 'ms', 'less', 60, (round) => meanOf(round, PAWL, ({ ms }) => ms)),
        figure('pawl --version', 'ms', 'less', 80, (round) => countOf(round, PAWL, 'versionMs')),
        figure('pawl list', 'ms', 'less', 150, (round) => countOf(round, PAWL, 'listMs')),
      ],
    },
    {
      id: 'H',
      title: `${text(tasks)} tasks, store in memory`,
      raw: [],
      ours: [ours('dispatch', tasks, { warmUp: 1000 })],
      peers: null,
      speed: 'per second',
      figures: [rate('dispatches', 100_000), ...delay(PAWL)],
    },
    {
      id: 'I',
      title: 'Processor-bound tasks in threads',
      raw: [{ who: 'raw: bare workers', order: order('rawThreads', 16) }],
      ours: [ours('threads', 16)],
      peers: null,
      speed: 'per second',
      figures: [
        figure('all cores over one worker', 'x', 'more', null, (round) => countOf(round, PAWL, 'speedUp')),
        figure('of what bare workers gain', 'x', 'more', 0.95, (round) =>
          ratio(
            countOf(round, PAWL, 'speedUp'),
            meanOf(round, 'raw: bare workers', (s) => s.counts.speedUp ?? Number.NaN),
          ),
        ),
        figure("a sequential run's pace meanwhile, of its pace alone", 'x', 'more', null, (round) =>
          ratio(countOf(round, PAWL, 'aloneMs'), countOf(round, PAWL, 'besideMs')),
        ),
        ...delay(PAWL),
      ],
    },
  ];
}

export function casesOf(tier: Tier): Case[] {
  const smaller = tier === 'quick' ? 10 : 1;
  return [
    ...RAW,
    ...sequentialCases(1000 / smaller, 5000 / smaller),
    fanOutCases(1000 / smaller, 60_000),
    ...(tier === 'quick' ? [] : [fanOutCases(10_000, 60_000)]),
    resumeCase(1000, 5, false),
    ...(tier === 'quick' ? [] : [resumeCase(10_000, 30, false), resumeCase(100_000, 300, false)]),
    ...(tier === 'full' ? [resumeCase(1_000_000, 4000, true)] : []),
    runsCase(1000 / smaller),
    payloadCase(10_000 / smaller),
    streamCase(tier === 'full' ? 1_000_000 : 100_000 / smaller),
    diskCase(10_000 / smaller),
    ...otherCases(100_000 / smaller),
  ];
}

function text(count: number): string {
  return count.toLocaleString('en');
}
