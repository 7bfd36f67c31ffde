import type { Block, Call, Program, SourceSpec, Statement, TaskSpec } from './program.ts';

/** A program of 50,000 events takes half a minute a try. */
const PATIENCE_MS = 300_000;

/**
 * A smaller program that still fails: statements, branches and options are left out as long as it
 * does. Each try costs a simulation, so there is a bound.
 */
export async function shrink(
  program: Program,
  fails: (smaller: Program) => Promise<boolean>,
  tries = 400,
): Promise<Program> {
  const began = performance.now();
  let smallest = program;
  for (let left = tries, found = true; found && left > 0;) {
    found = false;
    for (const body of smallerBlocks(smallest.body)) {
      left -= 1;
      if (left < 0 || performance.now() - began > PATIENCE_MS) return smallest;
      const candidate = { ...smallest, body };
      if (!(await fails(candidate))) continue;
      smallest = candidate;
      found = true;
      break;
    }
  }
  return smallest;
}

function* smallerBlocks(block: Block): Generator<Block> {
  for (const index of block.keys()) yield block.toSpliced(index, 1);
  for (const [index, statement] of block.entries()) {
    for (const inside of insideOf(statement)) yield block.toSpliced(index, 1, ...inside);
    for (const smaller of smallerStatements(statement)) yield block.with(index, smaller);
  }
}

/** What can stand in the place of a statement: one of the blocks that it holds. */
function insideOf(statement: Statement): readonly Block[] {
  switch (statement.do) {
    case 'if':
      return [statement.yes, statement.no];
    case 'try':
      return [statement.body];
    case 'loop':
      return [statement.body];
    case 'await':
    case 'leave':
      return blocksOf(statement.call);
    default:
      return [];
  }
}

function blocksOf(call: Call): readonly Block[] {
  switch (call.do) {
    case 'group':
      return call.branches;
    case 'map':
    case 'scope':
      return [call.body];
    case 'native':
      return call.strands;
    case 'merge':
    case 'source':
    case 'progress':
      return [call.each];
    case 'channel':
      return [...call.producers.map(({ pull }) => pull), ...call.consumers.map(({ each }) => each)];
    case 'stream':
      return [call.body, call.each, ...(call.source.pull === undefined ? [] : [call.source.pull])];
    default:
      return [];
  }
}

function* smallerStatements(statement: Statement): Generator<Statement> {
  switch (statement.do) {
    case 'if':
      for (const yes of smallerBlocks(statement.yes)) yield { ...statement, yes };
      for (const no of smallerBlocks(statement.no)) yield { ...statement, no };
      return;
    case 'try':
      for (const body of smallerBlocks(statement.body)) yield { ...statement, body };
      for (const rescue of smallerBlocks(statement.rescue)) yield { ...statement, rescue };
      return;
    case 'loop':
      if (statement.times > 1) yield { ...statement, times: statement.times - 1 };
      for (const body of smallerBlocks(statement.body)) yield { ...statement, body };
      return;
    case 'await':
      if (statement.use.as !== 'result') yield { ...statement, use: { as: 'result' } };
      for (const call of smallerCalls(statement.call)) yield { ...statement, call };
      return;
    case 'leave':
      for (const call of smallerCalls(statement.call)) yield { ...statement, call };
      return;
    default:
      return;
  }
}

function* smallerLists(blocks: readonly Block[]): Generator<readonly Block[]> {
  for (const index of blocks.keys()) yield blocks.toSpliced(index, 1);
  for (const [index, block] of blocks.entries())
    for (const smaller of smallerBlocks(block)) yield blocks.with(index, smaller);
}

function* smallerCalls(call: Call): Generator<Call> {
  switch (call.do) {
    case 'task':
      for (const spec of smallerTasks(call.spec)) yield { ...call, spec };
      return;
    case 'group':
      for (const options of withoutOne(call.options)) yield { ...call, options };
      for (const branches of smallerLists(call.branches)) yield { ...call, branches };
      return;
    case 'map':
      if (call.items > 1) yield { ...call, items: call.items - 1 };
      if (call.settled)
        yield {
          ...call,
          settled: false,
          options: {
            ...call.options,
            preserveOrder: undefined,
            minSuccessful: undefined,
            toleratedFailures: undefined,
          },
        };
      if (call.keyBy) yield { ...call, keyBy: false };
      for (const options of withoutOne(call.options)) yield { ...call, options };
      for (const body of smallerBlocks(call.body)) yield { ...call, body };
      return;
    case 'native':
      for (const strands of smallerLists(call.strands)) yield { ...call, strands };
      return;
    case 'merge':
    case 'source':
    case 'progress':
      yield* smallerReads(call);
      return;
    case 'channel':
      yield* smallerChannels(call);
      return;
    case 'receive':
      for (const smaller of withoutOne(call)) yield smaller;
      return;
    case 'question':
      for (const smaller of withoutOne(call))
        yield { ...smaller, onTimeout: smaller.timeout === undefined ? 'fail' : smaller.onTimeout };
      return;
    case 'scope':
      for (const index of call.exits.keys())
        if (call.exits.length > 1) yield { ...call, exits: call.exits.toSpliced(index, 1) };
      for (const [index, exit] of call.exits.entries())
        for (const spec of smallerTasks(exit.spec))
          yield { ...call, exits: call.exits.with(index, { ...exit, spec }) };
      for (const body of smallerBlocks(call.body)) yield { ...call, body };
      for (const smaller of withoutOne(call)) yield smaller;
      return;
    case 'external':
      if (call.spec.failures > 0) yield { ...call, spec: { ...call.spec, failures: 0 } };
      for (const spec of withoutOne(call.spec)) yield { ...call, spec };
      return;
    case 'stream':
      yield* smallerStreams(call);
      return;
    case 'raw':
      if (call.turns > 1) yield { ...call, turns: call.turns - 1 };
      return;
    case 'sleep':
      if (call.key !== undefined) yield { ...call, key: undefined };
  }
}

function* smallerReads(call: Extract<Call, { do: 'merge' | 'source' | 'progress' }>): Generator<Call> {
  if (call.leave !== undefined) yield { ...call, leave: undefined };
  for (const each of smallerBlocks(call.each)) yield { ...call, each };
  for (const smaller of withoutOne(call))
    yield smaller.do === 'source' && smaller.retry === undefined && smaller.failures < 1_000_000
      ? { ...smaller, failures: 0 }
      : smaller;
  switch (call.do) {
    case 'merge':
      for (const [index, source] of call.sources.entries()) {
        yield { ...call, sources: call.sources.toSpliced(index, 1) };
        for (const smaller of smallerSources(source))
          yield { ...call, sources: call.sources.with(index, smaller) };
      }
      if (call.envelope) yield { ...call, envelope: false };
      if (call.named) yield { ...call, named: false };
      return;
    case 'source':
      if (call.items > 0) yield { ...call, items: call.items - 1 };
      if (call.failures > 0) yield { ...call, failures: 0 };
      if (call.ms > 0) yield { ...call, ms: 0 };
      return;
    case 'progress':
      for (const spec of smallerTasks(call.spec)) yield { ...call, spec };
  }
}

function* smallerSources(source: SourceSpec): Generator<SourceSpec> {
  const { items, pull, last } = source;
  if (items > 1) yield { ...source, items: items - 1 };
  if (pull !== undefined) yield { ...source, pull: undefined, last: [] };
  for (const smaller of smallerBlocks(pull ?? [])) yield { ...source, pull: smaller };
  for (const smaller of smallerBlocks(last)) yield { ...source, last: smaller };
}

function* smallerChannels(call: Extract<Call, { do: 'channel' }>): Generator<Call> {
  const { producers, consumers } = call;
  if (call.mode === 'allSettled') yield { ...call, mode: 'all' };
  for (const index of producers.keys())
    if (producers.length > 1) yield { ...call, producers: producers.toSpliced(index, 1) };
  for (const index of consumers.keys())
    if (consumers.length > 1) yield { ...call, consumers: consumers.toSpliced(index, 1) };
  for (const [index, producer] of producers.entries()) {
    if (producer.items > 0)
      yield { ...call, producers: producers.with(index, { ...producer, items: producer.items - 1 }) };
    for (const pull of smallerBlocks(producer.pull))
      yield { ...call, producers: producers.with(index, { ...producer, pull }) };
  }
  for (const [index, consumer] of consumers.entries()) {
    if (consumer.leave !== undefined)
      yield { ...call, consumers: consumers.with(index, { ...consumer, leave: undefined }) };
    for (const each of smallerBlocks(consumer.each))
      yield { ...call, consumers: consumers.with(index, { ...consumer, each }) };
  }
  for (const smaller of withoutOne(call)) yield smaller;
}

function* smallerStreams(call: Extract<Call, { do: 'stream' }>): Generator<Call> {
  const { source, leave, each } = call;
  for (const smaller of smallerSources(source)) yield { ...call, source: smaller };
  if (leave !== undefined) yield { ...call, leave: undefined };
  if (call.keyBy) yield { ...call, keyBy: false };
  for (const smaller of smallerBlocks(each)) yield { ...call, each: smaller };
  for (const options of withoutOne(call.options)) yield { ...call, options };
  for (const body of smallerBlocks(call.body)) yield { ...call, body };
}

function* smallerTasks(spec: TaskSpec): Generator<TaskSpec> {
  if (spec.deaf) yield { ...spec, deaf: false };
  if (spec.task !== 'work') yield { ...spec, task: 'work' };
  if (spec.tells !== undefined && spec.tells > 0) yield { ...spec, tells: spec.tells - 1 };
  if (spec.failures > 0) yield { ...spec, failures: 0 };
  if (!Number.isInteger(spec.ms)) yield { ...spec, ms: Math.ceil(spec.ms) };
  if (spec.value !== 0) yield { ...spec, value: 0 };
  // Who fails at first needs another try: else how it ends is a matter of crashes.
  const passes = spec.failures > 0 && spec.failures < 1_000_000;
  for (const smaller of withoutOne(spec))
    if (!passes || smaller.retry !== undefined)
      yield smaller.pool === undefined ? { ...smaller, cost: undefined } : smaller;
}

/** The same options with one left out. */
function* withoutOne<T extends object>(options: T): Generator<T> {
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && OPTIONAL.has(name)) yield { ...options, [name]: undefined };
  }
}

const OPTIONAL: ReadonlySet<string> = new Set([
  'concurrency',
  'buffer',
  'batchSize',
  'timeout',
  'deadline',
  'signal',
  'key',
  'pool',
  'cost',
  'preserveOrder',
  'sees',
  'retry',
  'priority',
  'losers',
  'minSuccessful',
  'toleratedFailures',
  'min',
]);
