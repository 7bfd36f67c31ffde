/**
 * The rooms of ARCHITECTURE.md and who may import whom: the one table behind the lint rules (while typing) and
 * `tests/tidy.test.ts` (which resolves paths and so is the judge). A new package adds its row here.
 */
export interface Room {
  readonly name: string;
  /** Folders end in `/`, anything else is one file; relative to the repository. The first room that fits has it. */
  readonly paths: readonly string[];
  /** Rooms beside itself that it may import. */
  readonly imports: readonly string[] | 'every room';
  /** Rooms of which it may import types only. */
  readonly typesFrom: readonly string[];
  /** Builtins, without `node:`. */
  readonly builtins: readonly string[] | 'every builtin';
  /** Packages that are not ours. */
  readonly packages: readonly string[] | 'every package';
  /** No `async`, clock, randomness or timer: the same input always gives the same output. */
  readonly pure: boolean;
  /** Time and randomness only through ports. */
  readonly portsOnly: boolean;
}

const CLOSED = {
  imports: [],
  typesFrom: [],
  builtins: [],
  packages: [],
  pure: false,
  portsOnly: false,
} as const satisfies Partial<Room>;

const OPEN = { ...CLOSED, builtins: 'every builtin', packages: 'every package' } as const;

const inRuntime = (path: string): string => `packages/runtime/src/${path}`;

export const ROOMS: readonly Room[] = [
  { ...CLOSED, name: 'sdk', paths: ['packages/sdk/'], packages: ['@standard-schema/spec'] },
  {
    ...CLOSED,
    name: 'journal',
    paths: [inRuntime('journal/')],
    typesFrom: ['sdk'],
    // A function of its argument and nothing else.
    packages: ['fast-json-stable-stringify'],
    pure: true,
  },
  { ...CLOSED, name: 'kernel', paths: [inRuntime('kernel/')], imports: ['journal'], pure: true },
  { ...CLOSED, name: 'views', paths: [inRuntime('views/')], imports: ['journal'], pure: true },
  { ...CLOSED, name: 'ports', paths: [inRuntime('ports/')], typesFrom: ['journal'] },
  {
    ...CLOSED,
    name: 'process',
    paths: [inRuntime('process/')],
    imports: ['sdk', 'journal', 'kernel'],
    builtins: ['async_hooks'],
  },
  {
    ...OPEN,
    name: 'engine',
    paths: [inRuntime('engine/')],
    imports: ['process', 'kernel', 'journal', 'ports', 'sdk', 'errors'],
    portsOnly: true,
  },
  // The real clock, randomness and digest behind the ports.
  { ...OPEN, name: 'system', paths: [inRuntime('system.ts')], imports: ['ports', 'journal'] },
  { ...OPEN, name: 'store', paths: [inRuntime('store/')], imports: ['ports', 'journal', 'views', 'errors'] },
  { ...OPEN, name: 'errors', paths: [inRuntime('errors.ts')], imports: ['journal', 'sdk'] },
  // Whoever measures is one of many listeners: it knows what is recorded, and nothing of who records it.
  {
    ...CLOSED,
    name: 'otel',
    paths: [inRuntime('otel.ts'), inRuntime('otel/')],
    imports: ['journal'],
    typesFrom: ['ports'],
    builtins: ['crypto', 'url'],
    packages: ['@opentelemetry/api'],
  },
  // What process code should not call, replaced while somebody wants to see it.
  {
    ...OPEN,
    name: 'guard',
    paths: [inRuntime('guard/')],
    imports: ['process', 'engine', 'journal', 'sdk', 'errors'],
  },
  {
    ...OPEN,
    name: 'testing',
    paths: [inRuntime('testing.ts'), inRuntime('testing/')],
    imports: 'every room',
  },
  {
    ...OPEN,
    name: 'runtime.ts',
    paths: [
      'runtime.ts',
      'runtime-options.ts',
      'engine-options.ts',
      'secret-key.ts',
      'key-text.ts',
      'master-key.ts',
      'key-desk.ts',
      'open-store.ts',
      'reader.ts',
      'pool-reports.ts',
      'replayer.ts',
      'replay-steps.ts',
      'queue.ts',
      'schedules.ts',
      'checked-inputs.ts',
      'waiting-parents.ts',
      'run-events.ts',
      'fork-asks.ts',
      'run-forker.ts',
      'run-checks.ts',
      'run-starter.ts',
      'step-runner.ts',
      'task-runner.ts',
      'run-waits.ts',
      'notify.ts',
      'log-lines.ts',
      'kept-logs.ts',
      'run-query.ts',
      'small-heap.ts',
      'sql-views.ts',
      'find-run.ts',
      'copies/',
    ].map(inRuntime),
    imports: 'every room',
  },
  { ...OPEN, name: 'runtime', paths: [inRuntime('index.ts')], imports: 'every room' },
  // What those need who keep journals elsewhere than in a file.
  { ...OPEN, name: 'elsewhere', paths: [inRuntime('elsewhere.ts')], imports: 'every room' },
  {
    ...OPEN,
    name: 'restate',
    paths: ['packages/restate/'],
    imports: ['runtime', 'elsewhere', 'errors', 'sdk'],
  },
  ...['cli', 'inspector'].map((name) => ({
    ...OPEN,
    name,
    paths: [`packages/${name}/`],
    imports: ['runtime', 'errors', 'otel', 'sdk', ...(name === 'cli' ? ['create-pawl', 'inspector'] : [])],
  })),
  // It calls the command line, as programs do: what user code prints or throws stays out of the protocol.
  { ...OPEN, name: 'mcp', paths: ['packages/mcp/'] },
  // It measures SQLite itself beside us, and the engine over a store in memory.
  { ...OPEN, name: 'bench', paths: ['packages/bench/'], imports: ['runtime', 'testing', 'sdk'] },
  // It tortures all of it: the runtime and the command line, and the file itself.
  {
    ...OPEN,
    name: 'torture',
    paths: ['packages/torture/'],
    imports: ['runtime', 'errors', 'testing', 'sdk', 'cli'],
  },
  ...['create-pawl', 'eslint-plugin-pawl'].map((name) => ({ ...OPEN, name, paths: [`packages/${name}/`] })),
  { ...OPEN, name: 'processes', paths: ['processes/'], imports: ['sdk'] },
  { ...OPEN, name: 'tooling', paths: ['tooling/', 'vitest.config.ts', 'oxlint.config.ts'] },
];

/** Packages that only these folders may know. */
export const KEPT_PACKAGES: readonly { readonly name: string; readonly within: readonly string[] }[] = [
  { name: 'better-sqlite3', within: [inRuntime('store/sqlite/'), 'packages/bench/', 'packages/torture/'] },
  { name: '@restatedev/restate-sdk', within: ['packages/restate/', 'packages/bench/peers/'] },
  { name: '@opentelemetry/api', within: [inRuntime('otel.ts'), inRuntime('otel/')] },
];

/** Our packages by the name that others import them by. */
export const ENTRIES: Readonly<Record<string, string>> = {
  'create-pawl': 'packages/create-pawl/src/index.ts',
  '@pawl/sdk': 'packages/sdk/src/index.ts',
  '@pawl/sdk/babysitter': 'packages/sdk/src/babysitter.ts',
  '@pawl/runtime': 'packages/runtime/src/index.ts',
  '@pawl/runtime/elsewhere': 'packages/runtime/src/elsewhere.ts',
  '@pawl/runtime/errors': 'packages/runtime/src/errors.ts',
  '@pawl/runtime/otel': 'packages/runtime/src/otel.ts',
  '@pawl/runtime/testing': 'packages/runtime/src/testing.ts',
  '@pawl/inspector': 'packages/inspector/src/index.ts',
  '@pawl/restate': 'packages/restate/src/index.ts',
  '@pawl/restate/reader': 'packages/restate/src/reader.ts',
  '@pawl/runtime/testing/vitest': 'packages/runtime/src/testing/vitest-matchers.ts',
};

export function roomOf(path: string): Room | undefined {
  return ROOMS.find((room) =>
    room.paths.some((prefix) => (prefix.endsWith('/') ? path.startsWith(prefix) : path === prefix)),
  );
}

/** Tests may look into every room: they are free of import rules, and of the limits on size. */
export function isTest(path: string): boolean {
  return /\.(test|test-d|fixture)\.ts$/.test(path) || /^(packages\/[^/]+\/)?tests\//.test(path);
}
