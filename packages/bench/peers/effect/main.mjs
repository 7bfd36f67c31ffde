import { join } from 'node:path';

import { measure, sqliteSizes } from './kit/peer.mjs';
import { check, finish, newStep, payload } from './kit/perform.mjs';

const fileIn = (dir) => join(dir, 'effect.db');

await measure({
  // better-sqlite3 is built with NORMAL as the default of a WAL: a power cut may take back what was committed.
  durability: 'SQLite WAL, synchronous=NORMAL (not power-safe)',
  note: 'single runner, its registry in memory, else as it comes',

  async open(dir) {
    const { ClusterWorkflowEngine, SingleRunner } = await import('@effect/cluster');
    const { SqlClient } = await import('@effect/sql');
    const { SqliteClient } = await import('@effect/sql-sqlite-node');
    const { Activity, Workflow } = await import('@effect/workflow');
    const { Cause, Effect, Exit, Layer, LogLevel, Logger, ManagedRuntime, Schema } = await import('effect');

    const Case = Workflow.make({
      name: 'Case',
      payload: { id: Schema.String, shape: Schema.String, n: Schema.Number },
      idempotencyKey: ({ id }) => id,
    });
    const step = (name, fn, success) => Activity.make({ name, success, execute: Effect.sync(fn) });
    const shapes = {
      sequential: (n) =>
        Effect.gen(function* () {
          for (let i = 0; i < n; i++) check(yield* step(`step-${i}`, () => i, Schema.Number), i);
        }),
      fanOut: (n) =>
        many(n, (i) =>
          step(`step-${i}`, () => i, Schema.Number).pipe(Effect.map((found) => check(found, i))),
        ),
      payload: (n) =>
        many(n, (i) =>
          step(`step-${i}`, () => payload(i), Schema.String).pipe(
            Effect.map((found) => check(found, payload(i))),
          ),
        ),
      resume: (n) =>
        shapes.sequential(n).pipe(
          Effect.andThen(step('new', newStep, Schema.String)),
          Effect.map((found) => check(found, 'new')),
        ),
    };
    const many = (n, f) =>
      Effect.forEach(
        Array.from({ length: n }, (_, i) => i),
        f,
        { concurrency: 'unbounded', discard: true },
      );

    const layer = Case.toLayer(({ shape, n }) =>
      shapes[shape](n).pipe(
        Effect.onExit((exit) =>
          Effect.sync(() => {
            if (Exit.isSuccess(exit)) finish();
            // A workflow that is suspended is interrupted, and comes again.
            else if (!Cause.isInterruptedOnly(exit.cause)) finish(Cause.squash(exit.cause));
          }),
        ),
      ),
    ).pipe(
      Layer.provideMerge(ClusterWorkflowEngine.layer),
      Layer.provideMerge(SingleRunner.layer({ runnerStorage: 'memory' })),
      Layer.provideMerge(SqliteClient.layer({ filename: fileIn(dir) })),
      Layer.provide(Logger.minimumLogLevel(LogLevel.Warning)),
    );
    const runtime = ManagedRuntime.make(layer);
    await runtime.runtime(); // Takes up what was left.
    return {
      async start(inputs) {
        const execute = (input, i) => Case.execute({ id: `run-${i}`, ...input }, { discard: true });
        await runtime.runPromise(
          Effect.forEach(inputs, execute, { concurrency: 'unbounded', discard: true }),
        );
      },
      sizes: () =>
        sqliteSizes(fileIn(dir), (text) =>
          runtime.runPromise(Effect.andThen(SqlClient.SqlClient, (sql) => sql.unsafe(text))),
        ),
    };
  },
});
