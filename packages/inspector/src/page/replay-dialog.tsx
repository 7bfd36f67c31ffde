/** A run against the code of today: nothing is run or written. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { post } from './api.ts';
import { Command } from './copy-button.tsx';
import { Dialog, Problem } from './dialog.tsx';
import { count } from './format.ts';
import { runPath } from './route.ts';

interface Verdict {
  readonly run: string;
  readonly process: string;
  readonly class: 'same' | 'needs-new-work' | 'diverges' | 'not-replayed' | 'skipped';
  readonly seq: number | null;
  readonly events: number | null;
  readonly asks: { readonly what: string; readonly key: string; readonly where: string | null } | null;
  readonly error: {
    readonly message: string;
    readonly hints: readonly string[];
    readonly data: Facts;
  } | null;
}

type Facts = Readonly<Record<string, unknown>>;

export function ReplayDialog({
  id,
  onClose,
}: {
  readonly id: string;
  readonly onClose: () => void;
}): JSX.Element {
  const [found, setFound] = useState<{ readonly verdicts: readonly Verdict[]; readonly more: number }>();
  const [error, setError] = useState<Error>();
  const [round, setRound] = useState(0);
  useEffect(() => {
    setFound(undefined);
    setError(undefined);
    post<{ verdicts: readonly Verdict[]; more: number }>(`${runPath(id)}/replay`, {}).then(
      setFound,
      setError,
    );
  }, [round]);
  const isBusy = found === undefined && error === undefined;
  return (
    <Dialog title="Against the code of today" onClose={onClose}>
      <p>What is recorded is handed to the code as it is now. No task runs, and nothing is written.</p>
      <div aria-live="polite" class="verdicts">
        {isBusy ? <p class="dim">Replaying…</p> : null}
        {found?.verdicts.map((verdict) => (
          <VerdictView key={verdict.run} verdict={verdict} />
        ))}
        {(found?.more ?? 0) > 0 ? <p class="dim">… {found?.more} more runs that it started</p> : null}
      </div>
      <Problem error={error} />
      <Command command={`pawl replay ${id}`} why="the same in a terminal; --step stops at events" />
      <div class="buttons">
        <button type="button" class="button" disabled={isBusy} onClick={() => setRound(round + 1)}>
          Once more
        </button>
        <button type="button" class="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

const SAID = {
  same: ['good', '✓', 'does the same'],
  'needs-new-work': ['busy', '→', 'fits, and needs new work'],
  diverges: ['bad', '✗', 'diverges'],
  'not-replayed': ['bad', '✗', 'could not be replayed'],
  skipped: ['dim', '·', 'left out'],
} as const;

function VerdictView({ verdict }: { readonly verdict: Verdict }): JSX.Element {
  const { run, process, events, seq, asks, error } = verdict;
  const [tone, sign, said] = SAID[verdict.class];
  const facts = error === null ? [] : Object.entries(error.data).filter(([, value]) => isShort(value));
  return (
    <section class="verdict" aria-label={`Replay of ${run}`}>
      <p class={tone}>
        <b>
          {sign} {said}
          {verdict.class === 'diverges' && seq !== null ? ` at event ${count(seq)}` : ''}
        </b>
      </p>
      <p class="dim">
        <bdi>{process}</bdi> <bdi class="id">{run}</bdi>
        {events === null ? '' : `, ${count(events)} events`}
      </p>
      {asks === null ? null : (
        <p>
          Asks for <bdi>{asks.what}</bdi>
          {asks.key === '' ? null : (
            <>
              {' '}
              as call <code>{asks.key}</code>
            </>
          )}
          {asks.where === null ? null : (
            <>
              {' '}
              at <code>{asks.where}</code>
            </>
          )}
        </p>
      )}
      {error === null ? null : (
        <>
          <p class="message">
            <bdi>{error.message}</bdi>
          </p>
          <dl class="plan">
            {facts.map(([name, value]) => (
              <>
                <dt>{name}</dt>
                <dd>
                  <bdi>{typeof value === 'string' ? value : JSON.stringify(value)}</bdi>
                </dd>
              </>
            ))}
          </dl>
          <ul class="hints">
            {error.hints.map((hint) => (
              <li key={hint}>
                <bdi>{hint}</bdi>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function isShort(value: unknown): boolean {
  return value !== null && JSON.stringify(value).length < 400;
}
