import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  AggregationTemporality,
  type DataPoint,
  type Histogram,
} from '@opentelemetry/sdk-metrics';
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
  type IdGenerator,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace';
import { openTelemetry } from '../../src/otel.ts';
import type { Telemetry } from '../../src/ports/telemetry.ts';

/** An SDK whose spans and metrics stay in memory, as a program sets it up. */
export class Traced {
  readonly #spans = new InMemorySpanExporter();
  readonly #metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  readonly #meters = new MeterProvider({
    readers: [
      new PeriodicExportingMetricReader({
        exporter: this.#metrics,
        exportIntervalMillis: 1e6,
        exportTimeoutMillis: 1e4,
      }),
    ],
  });
  readonly provider: TracerProvider;

  constructor(idGenerator?: IdGenerator) {
    this.provider = new TracerProvider({
      spanProcessors: [new SimpleSpanProcessor({ exporter: this.#spans })],
      ...(idGenerator === undefined ? {} : { idGenerator }),
    });
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  }

  get telemetry(): Telemetry {
    return openTelemetry({ tracerProvider: this.provider, meterProvider: this.#meters });
  }

  /** What was exported since the last look, in the order of the ends. */
  take(): ReadableSpan[] {
    const spans = this.#spans.getFinishedSpans();
    this.#spans.reset();
    return [...spans];
  }

  /** What stands in a metric, by the values of its attributes: a count, or how many times and their sum. */
  async counted(name: string): Promise<Record<string, unknown>> {
    await this.#meters.forceFlush();
    const points = this.#metrics
      .getMetrics()
      .at(-1)
      ?.scopeMetrics.flatMap(({ metrics }) => metrics)
      .filter(({ descriptor }) => descriptor.name === name)
      .flatMap(({ dataPoints }) => [...dataPoints] as DataPoint<number | Histogram>[]);
    return Object.fromEntries(
      (points ?? []).map(({ attributes, value }) => [
        Object.values(attributes).join(' '),
        typeof value === 'number' ? value : { count: value.count, sum: value.sum },
      ]),
    );
  }
}

export function parentOf(span: ReadableSpan): string | undefined {
  return span.parentSpanContext?.spanId;
}

function ms([seconds, nanos]: ReadableSpan['startTime']): number {
  return seconds * 1000 + nanos / 1e6;
}

/** Each trace as a tree, children by start: `name from-to outcome ! error`, times from the first start. */
export function treeOf(spans: readonly ReadableSpan[], root?: string, depth = 0, from?: number): string[] {
  const zero = from ?? Math.min(...spans.map(({ startTime }) => ms(startTime)));
  const ids = new Set(spans.map((span) => span.spanContext().spanId));
  return spans
    .filter((span) => {
      const parent = parentOf(span);
      return root === undefined ? parent === undefined || !ids.has(parent) : parent === root;
    })
    .toSorted((a, b) => ms(a.startTime) - ms(b.startTime))
    .flatMap((span) => {
      const { name, attributes, startTime, endTime, status, links } = span;
      const said = ['pawl.attempt.outcome', 'pawl.call.outcome', 'pawl.run.status', 'pawl.run.left'];
      const line = [
        name,
        `${ms(startTime) - zero}-${ms(endTime) - zero}`,
        ...said.map((key) => attributes[key]).filter((value) => value !== undefined),
        ...(status.code === 2 ? [`! ${status.message}`] : []),
        ...links.map((link) => `(${String(link.attributes?.['pawl.link'])})`),
      ].join(' ');
      return [`${'  '.repeat(depth)}${line}`, ...treeOf(spans, span.spanContext().spanId, depth + 1, zero)];
    });
}

/** What is active, for work of users within a task. */
export function activeSpanId(): string | undefined {
  return trace.getActiveSpan()?.spanContext().spanId;
}
