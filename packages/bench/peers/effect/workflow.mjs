import { equal } from 'node:assert/strict';

import { ClusterWorkflowEngine, SingleRunner } from '@effect/cluster';
import { SqlClient } from '@effect/sql';
import { SqliteClient } from '@effect/sql-sqlite-node';
import { Activity, Workflow } from '@effect/workflow';
import { Cause, Effect, Exit, Layer, LogLevel, Logger, ManagedRuntime, Schema } from 'effect';

import { finish, newStep, payload } from './kit/perform.mjs';

// The work of kit/perform.mjs once more, since here a step is no promise.

const Case = Workflow.make({
  name: 'Case',
  payload: { id: Schema.String, shape: Schema.String, n: Schema.Number },
  idempotencyKey: ({ id }) => id,
});

const UNBOUNDED = { concurrency: 'unbounded', discard: true };

const shapes = {
  sequential: (n) =>
    Effect.gen(function* () {
      for (let i = 0; i < n; i++) yield* numberStep(i);
    }),
  fanOut: (n) => Effect.forEach(indices(n), numberStep, UNBOUNDED),
  payload: (n) =>
    Effect.forEach(indices(n), (i) => step(`step-${i}`, () => payload(i), Schema.String), UNBOUNDED),
  resume: (n) => Effect.andThen(shapes.sequential(n), step('new', newStep, Schema.String)),
};

const numberStep = (i) => step(`step-${i}`, () => i, Schema.Number);

function step(name, give, success) {
  const activity = Activity.make({ name, success, execute: Effect.sync(give) });
  return Effect.map(activity, (found) => name === 'new' || equal(found, give()));
}

function indices(n) {
  return Array.from({ length: n }, (_, i) => i);
}

const caseLayer = Case.toLayer(({ shape, n }) => Effect.onExit(shapes[shape](n), tell));

function tell(exit) {
  return Effect.sync(() => {
    if (Exit.isSuccess(exit)) finish();
    // A workflow that is suspended is interrupted, and comes again.
    else if (!Cause.isInterruptedOnly(exit.cause)) finish(Cause.squash(exit.cause));
  });
}

export function runtimeOn(filename) {
  return ManagedRuntime.make(
    caseLayer.pipe(
      Layer.provideMerge(ClusterWorkflowEngine.layer),
      Layer.provideMerge(SingleRunner.layer({ runnerStorage: 'memory' })),
      Layer.provideMerge(SqliteClient.layer({ filename })),
      Layer.provide(Logger.minimumLogLevel(LogLevel.Warning)),
    ),
  );
}

export function executeAll(inputs) {
  return Effect.forEach(
    inputs,
    (input, i) => Case.execute({ id: `run-${i}`, ...input }, { discard: true }),
    UNBOUNDED,
  );
}

export function sql(text) {
  return Effect.andThen(SqlClient.SqlClient, (client) => client.unsafe(text));
}
