/** Two runs beside each other, call by call. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import type { CallDetail, RunDetail, RunLine, RunPage } from './api.ts';
import type { Comparison, DiffCall, Difference } from './comparison.ts';
import { Command } from './copy-button.tsx';
import { useData, useNow } from './data.ts';
import { Problem } from './dialog.tsx';
import { ErrorView } from './error-view.tsx';
import { ago, count, duration } from './format.ts';
import { Link } from './link.tsx';
import { comparePath, go, runPath, valuePath } from './route.ts';
import { StatusBadge } from './status.tsx';
import { ValueView } from './value-view.tsx';

/** Differences that are shown at once. */
const SHOWN = 50;

export function CompareView({ a, b }: { readonly a: string; readonly b: string }): JSX.Element {
  const { data, error } = useData<Comparison>(comparePath(a, b));
  const [limit, setLimit] = useState(SHOWN);
  return (
    <>
      <header class="top">
        <h1>Compare</h1>
        <Link class="button swap" to={comparePath(b, a)}>
          Swap
        </Link>
      </header>
      <Problem error={error} />
      {data === undefined ? null : (
        <>
          <div class="sides">
            <Side letter="A" run={data.runA} />
            <Side letter="B" run={data.runB} />
          </div>
          <Verdict {...data.diff} comparedTo={data.comparedTo} command={`pawl diff ${a} ${b}`} />
          <Differences ids={[a, b]} {...data.diff} limit={limit} onMore={() => setLimit(limit + SHOWN * 4)} />
          <Durations durations={data.diff.durations} />
        </>
      )}
    </>
  );
}

function Side({ letter, run }: { readonly letter: string; readonly run: RunLine }): JSX.Element {
  const took = Date.parse(run.updatedAt) - Date.parse(run.startedAt);
  return (
    <section class="side-card" aria-label={`Run ${letter}`}>
      <b class="letter">{letter}</b>
      <Link to={runPath(run.id)}>
        <bdi class="process">{run.process}</bdi> <bdi class="id">{run.id}</bdi>
      </Link>
      <span class="side-facts">
        <StatusBadge status={run.status} />
        <span class="dim">
          {duration(took)} · {count(run.tasks.settled)} tasks
          {run.codeHash === null ? '' : ` · code ${run.codeHash.slice(0, 8)}`}
        </span>
      </span>
    </section>
  );
}

const WORDS: Readonly<Record<string, string>> = {
  call: 'another call',
  input: 'other input',
  status: 'another end',
  output: 'other output',
  error: 'another error',
  attempts: 'other attempts',
};

function Verdict(
  props: Comparison['diff'] & { readonly comparedTo: number | null; readonly command: string },
): JSX.Element {
  const { same, first, calls, cut, comparedTo, command } = props;
  return (
    <div class="why verdict">
      <p class="sentence">{same || first === null ? 'They did the same.' : <First first={first} />}</p>
      <p class="dim">
        {count(calls.same)} {calls.same === 1 ? 'call' : 'calls'} the same, {count(calls.different)}{' '}
        different, {count(calls.onlyA)} only in A, {count(calls.onlyB)} only in B. How long a call took is no
        difference.
        {cut ? ' Rows of a journal were compacted: what they told of is in neither.' : ''}
      </p>
      {comparedTo === null ? null : (
        <>
          <p class="dim">Of each, the first {count(comparedTo)} events were compared.</p>
          <Command command={command} why="compare all of them" />
        </>
      )}
    </div>
  );
}

function First({ first }: { readonly first: Difference }): JSX.Element {
  const call = first.a ?? first.b;
  // With other input all the rest follows.
  if (first.key === '' && first.aspects.includes('input')) return <>They part at once: other input.</>;
  if (first.key === '') return <>They part in the run itself: {wordsOf(first).join(', ')}.</>;
  return (
    <>
      They part at <bdi>{call?.name}</bdi> <code class="dim">{first.key}</code>: {wordsOf(first).join(', ')}.
    </>
  );
}

function wordsOf(difference: Difference): string[] {
  if (difference.in === 'a') return ['only A has it'];
  if (difference.in === 'b') return ['only B has it'];
  return difference.aspects.map((aspect) => WORDS[aspect] ?? aspect);
}

function Differences(
  props: Comparison['diff'] & {
    readonly ids: readonly [string, string];
    readonly limit: number;
    readonly onMore: () => void;
  },
): JSX.Element | null {
  const { ids, differences, first, limit, hasMore, onMore } = props;
  if (differences.length === 0) return null;
  return (
    <>
      <h2 class="sub">What differs</h2>
      <div class="differences">
        <div class="difference-head" aria-hidden="true">
          <span>Call</span>
          <span>A</span>
          <span>B</span>
        </div>
        {differences.slice(0, limit).map((difference) => (
          <OneDifference
            key={difference.key}
            ids={ids}
            difference={difference}
            isFirst={difference.key === first?.key}
          />
        ))}
      </div>
      <div class="pages">
        {differences.length > limit ? (
          <button type="button" class="button" onClick={onMore}>
            Show more of {count(differences.length)}
          </button>
        ) : null}
        {hasMore ? (
          <span class="dim">There are more: the first {count(differences.length)} are kept.</span>
        ) : null}
      </div>
    </>
  );
}

function OneDifference(props: {
  readonly ids: readonly [string, string];
  readonly difference: Difference;
  readonly isFirst: boolean;
}): JSX.Element {
  const { ids, difference, isFirst } = props;
  const { key, a, b, aspects } = difference;
  const [isOpen, setOpen] = useState(false);
  return (
    <details
      class={`difference${isFirst ? ' first' : ''}`}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary data-row>
        <span class="call-of">
          <bdi>{key === '' ? 'the run itself' : (a ?? b)?.name}</bdi>
          <span class="marks">
            {key === '' ? null : <code class="dim">{key}</code>}
            {isFirst ? <span class="tag attention">first</span> : null}
            {wordsOf(difference).map((word) => (
              <span key={word} class="tag">
                {word}
              </span>
            ))}
          </span>
        </span>
        <Cell letter="A" call={a} aspects={aspects} />
        <Cell letter="B" call={b} aspects={aspects} />
      </summary>
      {isOpen ? (
        <div class="whole-calls">
          {ids.map((id, index) => (
            <WholeCall key={index} id={id} callKey={key} isThere={(index === 0 ? a : b) !== null} />
          ))}
        </div>
      ) : null}
    </details>
  );
}

/** What differs of it, or where it is alone all of it, in short. */
function Cell(props: {
  readonly letter: string;
  readonly call: DiffCall | null;
  readonly aspects: readonly string[];
}): JSX.Element {
  const { letter, call, aspects } = props;
  if (call === null)
    return (
      <span class="cell dim">
        <span class="hidden">{letter}: </span>has no such call
      </span>
    );
  const isWhole = aspects.length === 0 || aspects.includes('call');
  const shows = (aspect: string): boolean => isWhole || aspects.includes(aspect);
  const lines: (readonly [string, string])[] = [];
  if (isWhole) lines.push(['call', `${call.kind} ${call.name}`]);
  if (shows('input') && call.input !== '') lines.push(['got', call.input]);
  if (shows('output') && call.output !== null) lines.push(['gave', call.output]);
  if (shows('error') && call.error !== null) lines.push(['failed', call.error]);
  if (shows('status')) lines.push(['is', call.status]);
  if (aspects.includes('attempts')) lines.push(['attempts', count(call.attempts)]);
  return (
    <span class="cell">
      <span class="hidden">{letter}: </span>
      {lines.map(([name, text]) => (
        <span key={name} class="line-of">
          <span class="dim">{name}</span> <bdi class={name === 'failed' ? 'bad' : ''}>{text}</bdi>
        </span>
      ))}
    </span>
  );
}

function WholeCall(props: {
  readonly id: string;
  readonly callKey: string;
  readonly isThere: boolean;
}): JSX.Element {
  const { id, callKey, isThere } = props;
  const key = encodeURIComponent(callKey);
  const isRun = callKey === '';
  const path = isRun ? runPath(id) : `${runPath(id)}/call?all=1&key=${key}`;
  const { data, error } = useData<{ readonly call?: CallDetail } & Partial<RunValues>>(
    isThere ? path : undefined,
  );
  const call = isRun ? data : data?.call;
  if (!isThere) return <div class="whole-call dim">It has no such call.</div>;
  return (
    <div class="whole-call">
      <Problem error={error} />
      <ValueView title="Input" given={call?.input} whole={valuePath(id, 'input', callKey)} />
      <ValueView title="Output" given={call?.output} whole={valuePath(id, 'output', callKey)} />
      {(data?.call?.error ?? data?.failure ?? null) === null ? null : (
        <ErrorView
          error={(data?.call?.error ?? data?.failure) as NonNullable<RunValues['failure']>}
          title="Error"
        />
      )}
      <Link class="link" to={isRun ? runPath(id) : `${runPath(id)}?call=${key}`}>
        See it in the run
      </Link>
    </div>
  );
}

type RunValues = Pick<RunDetail, 'input' | 'output' | 'failure'>;

function Durations({ durations: all }: Pick<Comparison['diff'], 'durations'>): JSX.Element | null {
  // What reads alike is no difference.
  const durations = all.filter(({ aMs, bMs }) => duration(aMs) !== duration(bMs));
  const longest = Math.max(1, ...durations.flatMap(({ aMs, bMs }) => [aMs, bMs]));
  if (durations.length === 0) return null;
  return (
    <>
      <h2 class="sub">Where the time differs most</h2>
      <ul class="durations">
        {durations.map(({ key, name, aMs, bMs }) => (
          <li key={key}>
            <span class="call-of">
              <bdi>{key === '' ? 'the run itself' : name}</bdi>{' '}
              {key === '' ? null : <code class="dim">{key}</code>}
            </span>
            <span class="pair">
              <Took letter="A" ms={aMs} longest={longest} />
              <Took letter="B" ms={bMs} longest={longest} />
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

function Took(props: {
  readonly letter: string;
  readonly ms: number;
  readonly longest: number;
}): JSX.Element {
  return (
    <span class="took-bar">
      <b class="letter">{props.letter}</b>
      <span class="track">
        <i
          class={`fill ${props.letter}`}
          style={{ width: `${Math.max(0.5, (props.ms / props.longest) * 100)}%` }}
        />
      </span>
      <span class="took">{duration(props.ms)}</span>
    </span>
  );
}

/** With what shall it be compared: the newest runs of its process, or any by its id. */
export function ComparePicker({ id }: { readonly id: string }): JSX.Element {
  const { data: own, error } = useData<{ readonly run?: RunLine }>(runPath(id));
  const process = own?.run?.process;
  const others = useData<RunPage>(
    process === undefined ? undefined : `/runs?limit=20&process=${encodeURIComponent(process)}`,
  ).data?.runs.filter((run) => run.id !== id);
  const now = useNow(1000);
  const [text, setText] = useState('');
  return (
    <>
      <header class="top">
        <h1>
          Compare <bdi>{process}</bdi> <bdi class="id">{id}</bdi> with…
        </h1>
      </header>
      <Problem error={error} />
      <form
        class="by-id"
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim() !== '') go(comparePath(id, text.trim()));
        }}
      >
        <label>
          <span class="hidden">The id of another run</span>
          <input
            data-filter
            value={text}
            placeholder="the id of another run"
            spellcheck={false}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="button">
          Compare
        </button>
      </form>
      {others === undefined ? null : others.length === 0 ? (
        <div class="empty">
          <h2>No other run of this process</h2>
          <p>Name any run by its id.</p>
        </div>
      ) : (
        <ul class="list">
          {others.map((run) => (
            <li key={run.id}>
              <Link class="pick-row" to={comparePath(id, run.id)} isRow>
                <StatusBadge status={run.status} />
                <bdi class="id">{run.id}</bdi>
                <span class="dim">{ago(Date.parse(run.startedAt), now)}</span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
