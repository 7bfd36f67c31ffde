import { CONTROLLERS, COUNTERS, NEVER } from './program.ts';
import type {
  Block,
  Call,
  ExternalSpec,
  GroupSpec,
  ListMode,
  MergeMode,
  Note,
  PersonsAnswer,
  Program,
  QuestionRules,
  RetrySpec,
  SourceSpec,
  Statement,
  StreamMode,
  StreamSpec,
  TaskSpec,
  Test,
  Use,
  Priority,
} from './program.ts';
import { PATIENT, poolSpec, REFUSING, type PoolName } from './pools.ts';
import { Random } from './random.ts';

/** Where the next statement will stand. */
interface Place {
  readonly depth: number;
  readonly inLoop: boolean;
  /** Several async functions share this scope. */
  readonly inStrand: boolean;
  /** Nothing here may throw: who throws first would depend on time. */
  readonly safe: boolean;
}

const MODES: readonly ListMode[] = [
  'all',
  'allSettled',
  'any',
  'race',
  'some',
  'forkJoin',
  'forkJoinSettled',
];
const STREAMS: readonly StreamMode[] = ['stream', 'streamAll', 'streamSome', 'streamAny', 'raceFrom'];
const READ: readonly StreamMode[] = ['stream', 'streamAll', 'streamSome'];
const MERGES: readonly MergeMode[] = ['race', 'roundRobin', 'raceRobin', 'concat', 'zip'];
const TIMELESS_MODES: readonly ListMode[] = ['all', 'allSettled', 'some', 'forkJoin', 'forkJoinSettled'];
/** Those in which no failure decides by itself, and that have an order of their own. */
const TELLS_ALL: ReadonlySet<string> = new Set(['allSettled', 'mapSettled', 'some', 'forkJoinSettled']);
/** Times are added up exactly: their fractions are binary ones. */
const SHARE = 2 ** 20;
/** About a third. */
const BETWEEN_SHARES = 699_051 / (2 * SHARE);
const PEOPLE: readonly string[] = ['ada', 'grace', 'lin', 'eve'];
const SINGLE: QuestionRules = { strategy: 'single', quorum: undefined, experts: undefined, options: [] };
const PRIORITIES: readonly Priority[] = ['user-blocking', 'user-visible', 'background', 3, -3];
const VALUES: readonly unknown[] = [
  undefined,
  null,
  Number.NaN,
  -0,
  'text',
  '',
  [1, [2]],
  true,
  12n,
  new Date(5),
  [undefined],
  { a: 1 },
];

/** A random program: the same one for the same seed. */
export function generate(seed: number): Program {
  return new Generator(seed).program();
}

class Generator {
  readonly #seed: number;
  readonly #random: Random;
  readonly #kind: Program['kind'];
  readonly #isLong: boolean;
  readonly #pools: readonly PoolName[];
  /** It reads what comes from outside. */
  readonly #reads: boolean;
  /** It has scopes with something to do at their end: that waits for attempts that were given up. */
  readonly #leaves: boolean;
  #budget: number;
  #id = 0;
  #slots = 0;
  /** Those whose call is generated just now. */
  readonly #leaving = new Set<number>();

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new Random(seed);
    this.#kind = this.#random.weighted({ any: 62, timeless: 20, raw: 6, wild: 12 });
    // A long one now and then, whose journal is read in more than one piece.
    this.#isLong = this.#random.chance(0.004);
    this.#pools = this.#somePools();
    this.#reads = (this.#kind === 'any' || this.#kind === 'timeless') && this.#random.chance(0.15);
    this.#leaves = (this.#kind === 'any' || this.#kind === 'timeless') && this.#random.chance(0.2);
    this.#budget = this.#isLong ? 150 : this.#random.pick([4, 8, 12, 20, 30]);
  }

  program(): Program {
    const body = this.#block(
      { depth: 0, inLoop: false, inStrand: false, safe: false },
      this.#random.int(2, this.#isLong ? 40 : 6),
    );
    return {
      seed: this.#seed,
      kind: this.#kind,
      pools: this.#pools,
      isForetold: !this.#reads && !this.#leaves,
      body,
    };
  }

  /** Few, so that many tasks meet in them. */
  #somePools(): PoolName[] {
    const random = this.#random;
    if (random.chance(0.7)) return [];
    const known = this.#timeless ? PATIENT : [...PATIENT, ...REFUSING];
    return [...new Set(Array.from({ length: random.int(1, 2) }, () => random.pick(known)))];
  }

  get #timeless(): boolean {
    return this.#kind === 'timeless' || this.#kind === 'raw';
  }

  /** What strands see of each other is recorded nowhere where one of them waits for something outside ctx. */
  get #blind(): boolean {
    return this.#kind !== 'any';
  }

  #block(place: Place, length: number): Block {
    const statements: Statement[] = [];
    for (let i = 0; i < length && (i === 0 || this.#budget > 0); i += 1)
      statements.push(this.#statement(place));
    return statements;
  }

  #inner(place: Place): Block {
    return this.#block({ ...place, depth: place.depth + 1 }, this.#random.int(1, 3));
  }

  #statement(place: Place): Statement {
    const random = this.#random;
    this.#budget -= 1;
    const deep = place.depth >= 4 || this.#budget <= 0;
    const kind = random.weighted({
      await: 60,
      leave: 6,
      join: 4,
      if: deep ? 0 : 6,
      try: deep ? 0 : 12,
      throw: place.safe ? 0 : 2,
      loop: deep ? 0 : 4,
      abort: this.#timeless ? 0 : 8,
      note: 5,
    });
    switch (kind) {
      case 'await':
        return this.#await(place, deep);
      case 'leave':
        return this.#leave(place, deep);
      case 'join':
        if (place.safe) return this.#await(place, deep);
        return this.#join();
      case 'if':
        return { do: 'if', test: this.#test(place), yes: this.#inner(place), no: this.#inner(place) };
      case 'try':
        return { do: 'try', body: this.#inner({ ...place, safe: false }), rescue: this.#inner(place) };
      case 'throw':
        return { do: 'throw', message: `thrown ${this.#nextId()}` };
      case 'loop':
        return { do: 'loop', times: random.int(1, 3), body: this.#inner({ ...place, inLoop: true }) };
      case 'abort':
        return { do: 'abort', controller: random.int(0, CONTROLLERS - 1) };
      case 'note':
        return { do: 'note', what: this.#note(place) };
    }
  }

  /** What waits for itself waits for ever: inside of what is left there nothing waits for it. */
  #join(): Statement {
    const slot = this.#random.int(Math.max(0, this.#slots - 2), this.#slots);
    return { do: 'join', slot: this.#leaving.has(slot) ? 0 : slot };
  }

  #leave(place: Place, deep: boolean): Statement {
    this.#slots += 1;
    const slot = this.#slots;
    const shared = !this.#timeless && this.#random.chance(0.4);
    // What nobody waits for may end before the process does, or not: where time must not count, it
    // changes nothing but its own promise.
    this.#leaving.add(slot);
    const call = this.#call(place, deep || shared || this.#timeless);
    this.#leaving.delete(slot);
    return { do: 'leave', call, slot, shared };
  }

  #note(place: Place): Note {
    if (this.#blind) return place.inStrand ? 'log' : this.#random.pick(['random', 'uuid', 'log']);
    return this.#random.pick(['random', 'uuid', 'now', 'signal', 'log', 'state']);
  }

  #await(place: Place, deep: boolean): Statement {
    const call = this.#call(place, deep);
    const awaited: Statement = { do: 'await', call, use: this.#use(call) };
    return awaited;
  }

  #use(call: Call): Use {
    const counter = this.#random.int(0, COUNTERS - 1);
    if (call.do === 'raw' || this.#kind === 'wild') return { as: 'result' };
    const as = this.#random.weighted(
      this.#timeless ? { result: 3, sum: 1 } : { result: 4, sum: 2, staleSum: 1, order: 2 },
    );
    return as === 'sum' || as === 'staleSum' ? { as, counter } : { as };
  }

  #test(place: Place): Test {
    const random = this.#random;
    if (this.#blind)
      return { on: place.inStrand ? random.pick(['last', 'item']) : random.pick(['last', 'item', 'random']) };
    const on = random.pick(['counter', 'last', 'item', 'random', 'now'] as const);
    return on === 'counter' ? { on, counter: random.int(0, COUNTERS - 1) } : { on };
  }

  #call(place: Place, deep: boolean): Call {
    const random = this.#random;
    const kind = random.weighted({
      task: 50,
      sleep: 12,
      group: deep ? 0 : 22,
      map: deep ? 0 : 10,
      native: deep ? 0 : 10,
      merge: deep || this.#kind === 'raw' || this.#kind === 'wild' ? 0 : 5,
      source: this.#reads ? 14 : 0,
      progress: this.#reads ? 14 : 0,
      stream: deep || this.#kind === 'raw' || this.#kind === 'wild' ? 0 : 12,
      channel: deep || this.#kind === 'raw' || this.#kind === 'wild' ? 0 : 6,
      receive: 6,
      question: 6,
      external: 6,
      scope: deep || !this.#leaves ? 0 : 30,
      raw: this.#kind === 'raw' || (this.#kind === 'wild' && !place.inStrand) ? 14 : 0,
    });
    switch (kind) {
      case 'task':
        return { do: 'task', spec: this.#task(place) };
      case 'sleep':
        return {
          do: 'sleep',
          ms: random.int(0, 60),
          until: !this.#blind && random.chance(0.2),
          key: this.#key(place),
        };
      case 'group':
        return this.#group(place);
      case 'map':
        return {
          do: 'map',
          ...this.#mapped(place),
        };
      case 'native':
        return this.#native(place);
      case 'stream':
        return this.#stream(place);
      case 'merge':
        return this.#merge(place);
      case 'source':
        return this.#outside(place, deep);
      case 'progress':
        return this.#progress(place, deep);
      case 'channel':
        return this.#channel(place);
      case 'receive':
        return this.#receive(place);
      case 'question':
        return this.#question(place);
      case 'scope':
        return this.#scope(place);
      case 'external':
        return { do: 'external', spec: this.#external(place) };
      case 'raw':
        return { do: 'raw', turns: random.int(1, 6) };
    }
  }

  #mapped(place: Place): Omit<Extract<Call, { do: 'map' }>, 'do'> {
    const settled = this.#random.chance(0.3);
    const mode = settled ? 'mapSettled' : 'map';
    return {
      settled,
      items: this.#width(),
      body: this.#inner(this.#branchOf(place, mode)),
      keyBy: this.#random.chance(0.3),
      options: this.#options(place, mode),
    };
  }

  #width(): number {
    if (this.#isLong) return this.#random.int(0, 12);
    return Number(this.#random.weighted<string>({ 0: 4, 1: 10, 2: 40, 3: 30, 4: 10, 6: 6 }));
  }

  #branchOf(place: Place, mode: string): Place {
    // A branch of a group in a strand has a key, and so random numbers, that depend on the other strands.
    const inStrand = this.#timeless && place.inStrand;
    return { ...place, inLoop: false, inStrand, safe: this.#timeless && !TELLS_ALL.has(mode) };
  }

  #group(place: Place): Call {
    const mode = this.#random.pick(this.#timeless ? TIMELESS_MODES : MODES);
    const branches = Array.from({ length: this.#width() }, () => this.#inner(this.#branchOf(place, mode)));
    return { do: 'group', mode, branches, options: this.#options(place, mode) };
  }

  #native(place: Place): Call {
    const how = this.#timeless
      ? this.#random.pick(['all', 'allSettled'] as const)
      : this.#random.pick(['all', 'allSettled', 'any', 'race'] as const);
    const inner: Place = {
      ...place,
      depth: place.depth + 1,
      inStrand: true,
      safe: this.#timeless && how === 'all',
    };
    const strands = Array.from({ length: this.#random.int(how === 'race' ? 1 : 0, 3) }, (): Block => {
      const direct = this.#random.chance(0.4);
      if (!direct) return this.#block(inner, this.#random.int(1, 3));
      return [{ do: 'leave', call: this.#call(inner, true), slot: 0, shared: false }];
    });
    return { do: 'native', how, strands };
  }

  #stream(place: Place): Call {
    const random = this.#random;
    const mode = random.pick(this.#timeless ? READ : STREAMS);
    const isRead = READ.includes(mode);
    const mayFail = !this.#timeless || mode !== 'streamAll';
    const source = this.#source({ ...place, inLoop: true, safe: place.safe || !mayFail });
    const body = this.#inner({ ...this.#branchOf(place, 'allSettled'), safe: !mayFail });
    // A consumer that leaves gives up what is under way, and that is a matter of time.
    const reading = { ...place, inLoop: true, safe: place.safe || this.#timeless };
    const each = isRead && random.chance(0.4) ? this.#inner(reading) : [];
    const leave = isRead && !this.#timeless && random.chance(0.3) ? random.int(1, 3) : undefined;
    const keyBy = random.chance(0.2);
    return {
      do: 'stream',
      mode,
      source,
      body,
      each,
      leave,
      keyBy,
      options: this.#streamOptions(place, isRead),
    };
  }

  #source(place: Place): SourceSpec {
    const items = this.#width();
    if (this.#random.chance(0.5)) return { items, pull: undefined, last: [] };
    const pull = this.#inner(place);
    return { items, pull, last: this.#random.chance(0.2) ? this.#inner(place) : [] };
  }

  #channel(place: Place): Call {
    const random = this.#random;
    const free = !this.#timeless;
    const mode = random.pick(['all', 'allSettled'] as const);
    const inner = { ...this.#branchOf(place, mode), inLoop: true, safe: this.#timeless };
    const count = (): number => (free ? random.int(1, 2) : 1);
    const block = (): Block => (random.chance(0.6) ? this.#inner(inner) : []);
    return {
      do: 'channel',
      mode,
      capacity: random.int(1, 3),
      producers: Array.from({ length: count() }, () => ({ items: random.int(0, 4), pull: block() })),
      consumers: Array.from({ length: count() }, () => ({
        each: block(),
        leave: free && random.chance(0.3) ? random.int(1, 3) : undefined,
      })),
      timeout: free && random.chance(0.1) ? random.int(1, 120) : undefined,
      signal: free && random.chance(0.15) ? random.int(0, CONTROLLERS - 1) : undefined,
    };
  }

  #receive(place: Place): Call {
    const random = this.#random;
    return {
      do: 'receive',
      id: this.#nextId(),
      ms: random.int(0, 80) + random.int(1, SHARE - 1) / SHARE,
      value: random.chance(0.3) ? random.pick(VALUES) : random.int(0, 99),
      timeout: !this.#timeless && !place.safe && random.chance(0.4) ? random.int(1, 100) : undefined,
      key: this.#key(place),
    };
  }

  /** In the end it is always decided. Where time must not count, one person is asked, and there is no timeout. */
  #question(place: Place): Call {
    const random = this.#random;
    const { rules, people } = this.#blind ? { rules: SINGLE, people: ['ada'] } : this.#asked();
    const { options } = rules;
    const answers = people.map((by): PersonsAnswer => ({
      ms: random.int(0, 80) + random.int(1, SHARE - 1) / SHARE,
      by,
      approved: random.chance(0.6),
      option: options.length > 0 && random.chance(0.6) ? random.pick(options) : undefined,
    }));
    const extra = {
      // Never together with any other time.
      ms: random.int(1, 80) + BETWEEN_SHARES,
      by: random.pick(PEOPLE),
      approved: random.chance(0.5),
      option: undefined,
    };
    const onTimeout = random.pick(
      place.safe ? (['reject', 'approve'] as const) : (['reject', 'approve', 'fail'] as const),
    );
    const timeout = !this.#timeless && !this.#blind && random.chance(0.3) ? random.int(1, 100) : undefined;
    return {
      do: 'question',
      id: this.#nextId(),
      rules,
      // A second answer of somebody, or that of somebody who was not asked.
      answers: !this.#blind && random.chance(0.3) ? [...answers, extra] : answers,
      timeout,
      onTimeout: timeout === undefined ? 'fail' : onTimeout,
      key: this.#key(place),
    };
  }

  #asked(): { readonly rules: QuestionRules; readonly people: readonly string[] } {
    const random = this.#random;
    const strategy = random.pick(['single', 'first', 'all', 'quorum'] as const);
    const options = random.chance(0.4) ? ['now', 'later'] : [];
    const experts = PEOPLE.slice(0, random.int(1, 3));
    if (strategy === 'all')
      return { rules: { strategy, quorum: undefined, experts, options }, people: experts };
    if (strategy === 'quorum') {
      if (random.chance(0.5)) {
        const quorum = random.int(1, experts.length);
        return { rules: { strategy, quorum, experts, options }, people: experts };
      }
      return { rules: { strategy, quorum: 2, experts: undefined, options }, people: PEOPLE.slice(0, 3) };
    }
    return { rules: { strategy, quorum: undefined, experts: undefined, options }, people: experts };
  }

  #scope(place: Place): Call {
    const random = this.#random;
    const exit = (): Extract<Call, { do: 'scope' }>['exits'][number] => ({
      when: random.pick(['onExit', 'compensate'] as const),
      spec: { ...this.#task({ ...place, inLoop: true }), key: undefined },
    });
    const inside = { ...place, inLoop: false, inStrand: this.#timeless && place.inStrand };
    return {
      do: 'scope',
      body: [
        ...(this.#kind === 'any' && random.chance(0.3) ? [this.#detaching(inside)] : []),
        ...this.#inner(inside),
      ],
      exits: Array.from({ length: random.int(1, 3) }, exit),
      timeout: !this.#timeless && !place.safe && random.chance(0.25) ? random.int(1, 120) : undefined,
      key: this.#key(place),
    };
  }

  /** A branch that goes on when its group is decided, and leaves something behind when it ends. */
  #detaching(place: Place): Statement {
    const inner = { ...this.#branchOf(place, 'race'), depth: place.depth + 1 };
    const left = this.#random.chance(0.5) ? this.#unheard() : this.#leave(inner, true);
    const leaves: Block = [left, ...this.#block(inner, this.#random.int(0, 2))];
    const options = {
      ...this.#options(place, 'race'),
      concurrency: undefined,
      batchSize: undefined,
      losers: 'detach',
    } as const;
    return {
      do: 'await',
      call: { do: 'group', mode: 'race', branches: [leaves, this.#block(inner, 1)], options },
      use: { as: 'result' },
    };
  }

  /** A message that nobody sends. */
  #unheard(): Statement {
    const id = this.#nextId();
    const call = { do: 'receive', id, ms: NEVER, value: 0, timeout: undefined, key: undefined } as const;
    // Whoever waited for it would wait for ever.
    return { do: 'leave', call, slot: -1, shared: false };
  }

  #external(place: Place): ExternalSpec {
    const random = this.#random;
    const fails = !place.safe && random.chance(0.25);
    const { refuses: _, ...retry } = this.#retry();
    const isRetried = random.chance(0.5);
    return {
      id: this.#nextId(),
      ms: random.int(0, 60) + random.int(1, SHARE - 1) / SHARE,
      value: random.int(0, 99),
      failures: fails ? 1_000_000 : isRetried ? random.int(0, retry.attempts - 1) : 0,
      isGivenUp: !place.safe && random.chance(0.1),
      retry: isRetried ? retry : undefined,
      timeout: !this.#timeless && !place.safe && random.chance(0.25) ? random.int(1, 150) : undefined,
      key: this.#key(place),
    };
  }

  /** What is done with each item of something that is read; who leaves gives up what is under way. */
  #reading(place: Place, deep = false): { readonly each: Block; readonly leave: number | undefined } {
    const random = this.#random;
    const reading = { ...place, inLoop: true, safe: place.safe || this.#timeless };
    return {
      each: !deep && random.chance(0.4) ? this.#inner(reading) : [],
      leave: !this.#timeless && random.chance(0.3) ? random.int(1, 3) : undefined,
    };
  }

  #merge(place: Place): Call {
    const random = this.#random;
    const free = !this.#timeless;
    const mode = random.pick(free ? MERGES : (['roundRobin', 'concat'] as const));
    const inner = { ...this.#branchOf(place, 'merge'), inLoop: true, safe: this.#timeless };
    return {
      do: 'merge',
      mode,
      envelope: mode !== 'zip' && random.chance(0.4),
      named: random.chance(0.3),
      sources: Array.from({ length: random.int(0, 3) }, () => this.#source(inner)),
      ...this.#reading(place),
      timeout: free && random.chance(0.1) ? random.int(1, 120) : undefined,
      signal: free && random.chance(0.15) ? random.int(0, CONTROLLERS - 1) : undefined,
      key: this.#key(place),
    };
  }

  #outside(place: Place, deep: boolean): Call {
    const random = this.#random;
    const fails = !place.safe && random.chance(0.2);
    const retry = random.chance(0.5) ? this.#retry() : undefined;
    const passing = retry === undefined || retry.refuses ? 0 : random.int(0, retry.attempts - 1);
    return {
      do: 'source',
      id: this.#nextId(),
      items: random.int(0, 5),
      ms: random.chance(0.3) ? 0 : random.int(1, 20) + random.int(0, SHARE - 1) / SHARE,
      failsAt: random.int(0, 3),
      failures: fails ? 1_000_000 : passing,
      retry,
      buffer: random.chance(0.5) ? random.int(1, 3) : undefined,
      ...this.#reading(place, deep),
      key: this.#key(place),
    };
  }

  #progress(place: Place, deep: boolean): Call {
    const random = this.#random;
    // How long it takes depends on who listens.
    const spec = { ...this.#task(place), tells: random.int(0, 4), timeout: undefined, deadline: undefined };
    const reading = this.#reading(place, deep);
    // A task that waits to be heard keeps its slot: who hears it must not want that slot meanwhile.
    const buffer = reading.each.length > 0 ? 1000 : random.chance(0.5) ? random.int(1, 3) : undefined;
    // After a crash a task tells it all again.
    if (this.#timeless) return { do: 'progress', spec, buffer, each: [], leave: undefined, isHeard: false };
    return { do: 'progress', spec, buffer, ...reading, isHeard: true };
  }

  #streamOptions(place: Place, isRead: boolean): StreamSpec {
    const random = this.#random;
    const free = !this.#timeless;
    return {
      concurrency: random.chance(0.6) ? random.pick([1, 2, 3, Infinity]) : undefined,
      buffer: isRead && random.chance(0.5) ? random.int(0, 3) : undefined,
      preserveOrder: isRead && (!free || random.chance(0.4)) ? true : undefined,
      timeout: free && random.chance(0.15) ? random.int(1, 120) : undefined,
      signal: free && random.chance(0.2) ? random.int(0, CONTROLLERS - 1) : undefined,
      key: this.#key(place),
      priority: this.#priority(),
    };
  }

  #options(place: Place, mode: string): GroupSpec {
    const random = this.#random;
    const settled = TELLS_ALL.has(mode);
    // How far each branch has come is recorded nowhere either.
    const free = !this.#timeless && !(settled && this.#blind);
    const losers = random.chance(0.3) ? random.pick(['cancel', 'drain', 'detach'] as const) : undefined;
    const goesOn = losers === 'drain' || losers === 'detach';
    return {
      concurrency: random.chance(0.35) ? random.pick([1, 2, 3, Infinity]) : undefined,
      batchSize: random.chance(0.15) ? random.int(1, 3) : undefined,
      timeout: free && random.chance(goesOn ? 0.5 : 0.15) ? random.int(1, 120) : undefined,
      signal: free && random.chance(0.25) ? random.int(0, CONTROLLERS - 1) : undefined,
      key: this.#key(place),
      priority: this.#priority(),
      preserveOrder: this.#preserveOrder(mode),
      losers,
      ...this.#completion(mode, settled && free && !this.#blind),
    };
  }

  #preserveOrder(mode: string): boolean | undefined {
    if (!TELLS_ALL.has(mode)) return undefined;
    // The order in which things settle is recorded nowhere where one of them waits for something outside
    // ctx, and is a matter of time.
    const mustBeInOrder = this.#blind && mode === 'some';
    if (mustBeInOrder) return true;
    return this.#random.chance(0.4) ? this.#blind || this.#random.chance(0.3) : undefined;
  }

  #completion(mode: string, isFree: boolean): Pick<GroupSpec, 'minSuccessful' | 'toleratedFailures' | 'min'> {
    const random = this.#random;
    const minSuccessful = isFree && random.chance(0.25) ? random.int(1, 3) : undefined;
    const toleratedFailures = isFree && random.chance(0.2) ? random.int(0, 2) : undefined;
    const canFail = mode === 'some' && isFree && random.chance(0.3);
    return {
      minSuccessful,
      toleratedFailures,
      min: canFail ? random.int(0, minSuccessful ?? 3) : undefined,
    };
  }

  #key(place: Place): string | undefined {
    return !place.inLoop && this.#random.chance(0.12) ? `name ${this.#nextId()}` : undefined;
  }

  #priority(): Priority | undefined {
    return this.#random.chance(0.1) ? this.#random.pick(PRIORITIES) : undefined;
  }

  #nextId(): number {
    this.#id += 1;
    return this.#id;
  }

  #task(place: Place): TaskSpec {
    const random = this.#random;
    const id = this.#nextId();
    const ms = random.chance(0.15) ? 0 : random.int(1, 60) + random.int(0, SHARE - 1) / SHARE;
    const fails = !place.safe && random.chance(0.22);
    const retry = random.chance(fails ? 0.5 : 0.15) ? this.#retry() : undefined;
    const attempts = retry === undefined ? 1 : retry.attempts;
    // Fewer failures than attempts always end well, whatever is lost on the way.
    const task = random.weighted({ work: 86, checked: 8, asked: 6 });
    const deaf = random.chance(0.15);
    // What a check or a person finds done, or ends all the same while the program is stopped, would
    // have timed out.
    const isKept = this.#timeless && (task !== 'work' || deaf);
    const passing = retry === undefined || retry.refuses ? 0 : random.int(0, attempts - 1);
    return {
      id,
      task,
      ms,
      failures: fails ? 1_000_000 : passing,
      value: random.chance(0.15) ? random.pick(VALUES) : random.int(0, 99),
      deaf,
      ...this.#pool(),
      tells: undefined,
      sees: random.chance(0.15) && !this.#blind ? random.int(0, COUNTERS - 1) : undefined,
      key: this.#key(place),
      priority: this.#priority(),
      retry,
      timeout: this.#timeout(ms, place.safe || isKept),
      deadline: !this.#timeless && random.chance(0.06) ? random.int(1, 150) : undefined,
    };
  }

  #pool(): Pick<TaskSpec, 'pool' | 'cost'> {
    const random = this.#random;
    if (this.#pools.length === 0 || random.chance(0.3)) return { pool: undefined, cost: undefined };
    const pool = random.pick(this.#pools);
    return { pool, cost: random.chance(0.4) ? random.int(1, poolSpec(pool).maxConcurrent) : undefined };
  }

  /** Far from how long it takes, so that it is certain which of them comes first. */
  #timeout(ms: number, safe: boolean): number | undefined {
    if (!this.#random.chance(0.12)) return undefined;
    const passes = this.#random.chance(0.5) && !safe && ms > 30;
    return passes ? Math.ceil(ms / 3) : Math.ceil(ms) + 25 + this.#random.int(0, 40);
  }

  #retry(): RetrySpec {
    const random = this.#random;
    return {
      attempts: random.int(1, 4),
      delay: random.int(0, 40),
      factor: random.pick([1, 2, 1.5]),
      jitter: random.chance(0.4) ? random.pick([0.5, 1]) : 0,
      maxDelay: random.chance(0.3) ? random.int(1, 60) : undefined,
      refuses: random.chance(0.1),
    };
  }
}
