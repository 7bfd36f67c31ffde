/** What the server says, and how it is asked. */
import { recorded, recordedAnswer } from './recorded.ts';
import type { CallStatus, RunStatus } from '../statuses.ts';

/** A start that waits for a worker is no run yet. */
export type Status = RunStatus | 'queued';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** A value, or the beginning of the JSON of a large one. */
export type Bounded = { readonly value: Json } | { readonly cut: string; readonly size: number };

export interface RunLine {
  readonly id: string;
  readonly process: string;
  readonly module: string | null;
  readonly codeHash: string | null;
  readonly status: Status;
  readonly startedAt: string;
  readonly updatedAt: string;
  readonly wakeAt: string | null;
  readonly lastSeq: number;
  readonly tasks: { readonly scheduled: number; readonly settled: number };
  readonly error: string | null;
}

export interface RunPage {
  readonly runs: readonly RunLine[];
  readonly next: string | null;
  readonly scanned: number;
  /** Their own rows are damaged. */
  readonly leftOut: readonly LeftOutRun[];
}

export interface LeftOutRun {
  readonly id: string;
  readonly problem: string;
}

/** What is waited for, by all runs but those that are damaged. */
export interface Waiting {
  readonly waits: readonly Wait[];
  readonly tasks: readonly OpenTask[];
  readonly leftOut: readonly LeftOutRun[];
}

export interface Counts {
  readonly counts: Readonly<Partial<Record<Status, number>>>;
  readonly total: number;
  readonly isPart: boolean;
}

export interface About {
  readonly journal: string;
  readonly user: string;
  readonly readOnly: boolean;
}

export interface WhyDocument {
  readonly state: string;
  readonly sentence: string;
  readonly driven: 'alive' | 'nobody' | 'gone';
  readonly problem: string | null;
  readonly next: readonly { readonly command: string; readonly why: string }[];
}

export interface Wait {
  readonly runId: string;
  readonly process: string;
  readonly kind: 'message' | 'task' | 'breakpoint' | 'outcome';
  readonly key: string;
  readonly name: string;
  readonly prompt: string | null;
  readonly data: Bounded;
  readonly secret: boolean;
  readonly schema: Bounded;
  readonly since: string;
  readonly dueAt: string | null;
  readonly breakpoint?: {
    readonly options: readonly string[];
    readonly tags: readonly string[];
    readonly experts: readonly string[] | null;
    readonly decided: 'approved' | 'rejected' | null;
    readonly answers: readonly {
      readonly by: string;
      readonly approved: boolean;
      readonly option: string | null;
      readonly feedback: string | null;
    }[];
  };
}

export interface OpenTask {
  readonly id: string;
  readonly runId: string;
  readonly key: string;
  readonly task: string;
  readonly kind: string;
  readonly status: string;
  readonly description: Bounded;
  readonly outputSchema: Bounded;
  readonly offeredAt: string;
  readonly dueAt: string | null;
  readonly worker: string | null;
  readonly refusal: string | null;
}

export interface ErrorDocument {
  readonly name: string;
  readonly message: string;
  readonly place: string | null;
  readonly stack: string | null;
  readonly fields: Bounded | null;
  readonly causes: readonly ErrorDocument[];
}

export type Part = readonly [
  kind: 'run' | 'wait' | 'backoff' | 'stopped',
  from: number,
  to: number | null,
  failed: 0 | 1,
];

export interface Row {
  readonly key: string;
  readonly kind: 'task' | 'timer' | 'wait' | 'breakpoint' | 'child' | 'source' | 'group' | 'rest';
  readonly name: string;
  readonly depth: number;
  readonly from: number;
  readonly to: number | null;
  readonly status: CallStatus;
  readonly attempts: number;
  readonly parts: readonly Part[];
  readonly count?: number;
  readonly failed?: number;
  readonly runId?: string;
  /** Of a run within the one that is shown: which. */
  readonly of?: string;
}

export interface RunDetail {
  readonly run: RunLine;
  readonly why: WhyDocument;
  readonly state: Readonly<Record<string, Bounded>>;
  readonly waits: readonly Wait[];
  readonly tasks: readonly OpenTask[];
  readonly input: Bounded | null;
  readonly output: Bounded | null;
  readonly failure: ErrorDocument | null;
  readonly cancelReason: string | null;
  readonly parent: { readonly runId: string; readonly key: string } | null;
  readonly forkOf: { readonly runId: string; readonly seq: number } | null;
  readonly forks: readonly string[];
  readonly continuedAs: string | null;
  readonly endedAt: number | null;
  readonly isDriven: boolean;
  readonly from: number;
  readonly to: number;
  /** The last event that is in the rows. */
  readonly read: number;
  /** More of it is being read. */
  readonly isPart: boolean;
  readonly rows: readonly Row[];
  /** When it went on after a stop or a crash in the middle of an attempt. */
  readonly resumes: readonly { readonly at: number; readonly after: 'stop' | 'crash' }[];
}

/** A run that has not begun. */
export interface StartDetail {
  readonly start: StartLine;
  readonly why: WhyDocument;
}

export interface StartLine {
  readonly id: string;
  readonly process: string;
  readonly queuedAt: string;
  readonly at: string | null;
  readonly held: boolean;
  readonly priority: number;
  readonly schedule: string | null;
  readonly problem: string | null;
}

export interface CallDetail {
  readonly key: string;
  readonly kind: Row['kind'];
  readonly name: string;
  readonly status: CallStatus;
  readonly openedAt: number;
  readonly endedAt: number | null;
  readonly input?: Bounded | null;
  readonly output?: Bounded | null;
  readonly error?: ErrorDocument | null;
  readonly attempts?: number;
  readonly attemptsAllowed?: number;
  readonly retryAt?: number | null;
  readonly pool?: string | null;
  readonly reason?: string | null;
  readonly settledBy?: string | null;
  readonly worker?: string | null;
  readonly question?: string;
  readonly prompt?: string | null;
  readonly answers?: NonNullable<Wait['breakpoint']>['answers'];
  readonly outcome?: string | null;
  readonly dueAt?: number | null;
  readonly durationMs?: number;
  readonly width?: number | null;
  readonly runId?: string;
  readonly items?: number;
}

export interface EventLine {
  readonly seq: number;
  readonly at: number;
  readonly type: string;
  readonly key: string | null;
  readonly fields: Bounded;
}

export interface LogLine {
  readonly n: number;
  readonly at: number;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly key: string | null;
  readonly task: string | null;
  readonly attempt: number | null;
  readonly text: string;
  readonly leftOut: number;
}

export interface Plan {
  readonly seq: number;
  readonly before: string | null;
  readonly kept: readonly (readonly [name: string, count: number])[];
  readonly reused: readonly { readonly key: string; readonly name: string }[];
  readonly again: readonly {
    readonly key: string;
    readonly name: string;
    readonly outcome: string | null;
    readonly isRisky: boolean;
  }[];
}

/** What the server refused, in its words. */
export class Refusal extends Error {
  readonly status: number;
  readonly hint: string | undefined;

  constructor(status: number, message: string, hint: string | undefined) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  if (recorded !== undefined) {
    const answer = recordedAnswer(path);
    if (answer === undefined) throw new Refusal(404, 'It was left out of this file.', undefined);
    return answer as T;
  }
  const response = await fetch(`/api${path}`, signal === undefined ? {} : { signal });
  return (await checked(response)) as T;
}

export async function post<T>(path: string, body: unknown): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  return (await checked(
    await fetch(`/api${path}`, { method: 'POST', headers, body: JSON.stringify(body) }),
  )) as T;
}

/** @throws Refusal */
async function checked(response: Response): Promise<unknown> {
  const body: unknown = await response.json().catch(() => null);
  if (response.ok) return body;
  const said = (body ?? {}) as {
    error?: { message?: string; hint?: string };
    status?: string;
    issues?: readonly { path: string; message: string }[] | { message?: string };
  };
  const message =
    said.error?.message ?? ackText(said.status, said.issues) ?? `The server says ${response.status}.`;
  throw new Refusal(response.status, message, said.error?.hint);
}

function ackText(status: string | undefined, issues: unknown): string | undefined {
  switch (status) {
    case 'invalid':
      return `Not what is waited for: ${issueText(issues)}`;
    case 'closed':
      return 'The run has ended.';
    case 'unknown':
      return 'There is nothing of that name.';
    case 'busy':
      return 'Somebody else holds this task.';
    case 'early':
      return 'It failed, and is not open again yet.';
    case 'lost':
    case 'notHeld':
      return 'It is not held any more by who answers.';
    default:
      return undefined;
  }
}

function issueText(issues: unknown): string {
  if (!Array.isArray(issues)) return JSON.stringify(issues);
  return issues
    .map((issue: { path?: string; message?: string }) => `${issue.path ?? ''} ${issue.message ?? ''}`)
    .join('; ');
}
