import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Process } from '@pawl/sdk';
import { expect, it } from 'vitest';
import { openTelemetry, runSpanIds } from '../../src/otel.ts';
import { MemoryStore } from '../../src/testing.ts';
import { Lab } from '../lab.fixture.ts';

type Sent = Record<string, unknown>;

/** What a collector takes by OTLP over HTTP: JSON, by signal. */
async function collector(answer: number) {
  const got: { readonly path: string; readonly body: Sent }[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    void json(request).then((body) => {
      got.push({ path: request.url ?? '', body: body as Sent });
      return response.writeHead(answer, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    got,
    url: (signal: string) => `http://127.0.0.1:${port}/v1/${signal}`,
    close: () => server.close(),
  };
}

function setUp(url: (signal: string) => string) {
  const tracerProvider = new TracerProvider({
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: url('traces') }) })],
    idGenerator: runSpanIds(),
  });
  const reader = new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter({ url: url('metrics') }),
    exportIntervalMillis: 1e6,
    exportTimeoutMillis: 1e4,
  });
  return { tracerProvider, meterProvider: new MeterProvider({ readers: [reader] }) };
}

const greeting: (lab: Lab) => Process = (lab) =>
  async function greet(_, ctx) {
    return ctx.task(lab.work, { ms: 10, value: 'hello' });
  };

it('a closed runtime has sent its traces and metrics to the collector', async () => {
  const { got, url, close } = await collector(200);
  const lab = new Lab();
  await lab.drive(new MemoryStore(), greeting(lab), null, { telemetry: openTelemetry(setUp(url)) });
  close();
  expect(got.map(({ path }) => path).toSorted()).toEqual(['/v1/metrics', '/v1/traces']);
  const traces = got.find(({ path }) => path === '/v1/traces')?.body as {
    resourceSpans: { scopeSpans: { scope: Sent; spans: Sent[] }[] }[];
  };
  const [scope] = traces.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans);
  expect(scope?.scope).toMatchObject({ name: '@pawl/runtime' });
  const [attempt, run] = scope?.spans ?? [];
  expect(attempt).toMatchObject({
    name: 'task work',
    traceId: run?.['traceId'],
    parentSpanId: run?.['spanId'],
  });
  expect(run).toMatchObject({ name: 'run greet', startTimeUnixNano: '1767225600000000000' });
  expect(run?.['parentSpanId']).toBeUndefined();
  const metrics = JSON.stringify(got.find(({ path }) => path === '/v1/metrics')?.body);
  for (const name of ['pawl.run.ended', 'pawl.attempt.duration', 'pawl.commit.count'])
    expect(metrics).toContain(`"${name}"`);
});

it.each([
  ['refuses', async () => collector(400)],
  ['is not there', async () => ({ ...(await collector(200)), url: () => 'http://127.0.0.1:9/v1/x' })],
])('a collector that %s is no matter of the run', async (_, at) => {
  const { url, close } = await at();
  const lab = new Lab();
  const telemetry = openTelemetry({ ...setUp(url), flushMs: 100 });
  const started = performance.now();
  expect(await lab.drive(new MemoryStore(), greeting(lab), null, { telemetry })).toEqual({ value: 'hello' });
  expect(performance.now() - started).toBeLessThan(5000);
  close();
});
