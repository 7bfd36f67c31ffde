/** What a retry, a fork or a cancel would do, before it is done. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { post, type Plan } from './api.ts';
import { useData } from './data.ts';
import { Dialog, Problem } from './dialog.tsx';
import { go, runPath } from './route.ts';

export type Steer =
  | { readonly what: 'retry' }
  | { readonly what: 'fork'; readonly at: string }
  | { readonly what: 'cancel' };

export function SteerDialog(props: {
  readonly id: string;
  readonly steer: Steer;
  readonly onClose: () => void;
}): JSX.Element {
  return props.steer.what === 'cancel' ? (
    <CancelDialog id={props.id} onClose={props.onClose} />
  ) : (
    <ForkDialog
      id={props.id}
      at={props.steer.what === 'fork' ? props.steer.at : undefined}
      onClose={props.onClose}
    />
  );
}

function useDoing(): {
  readonly isBusy: boolean;
  readonly error: Error | undefined;
  readonly act: (work: () => Promise<void>) => void;
} {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();
  const act = (work: () => Promise<void>): void => {
    setBusy(true);
    work()
      .catch((problem: unknown) =>
        setError(problem instanceof Error ? problem : new TypeError(String(problem))),
      )
      .finally(() => setBusy(false));
  };
  return { isBusy, error, act };
}

function CancelDialog({ id, onClose }: { readonly id: string; readonly onClose: () => void }): JSX.Element {
  const [reason, setReason] = useState('');
  const { isBusy, error, act } = useDoing();
  const cancel = async (): Promise<void> => {
    await post(`${runPath(id)}/cancel`, reason === '' ? {} : { reason });
    onClose();
  };
  return (
    <Dialog title="Give this run up?" onClose={onClose}>
      <p>What it registered for its end is still done. What it did already stays done.</p>
      <label>
        Reason
        <input value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
      </label>
      <Problem error={error} />
      <div class="buttons">
        <button type="button" class="danger" disabled={isBusy} onClick={() => act(cancel)}>
          Cancel the run
        </button>
        <button type="button" class="button" onClick={onClose}>
          Leave it
        </button>
      </div>
    </Dialog>
  );
}

function ForkDialog(props: {
  readonly id: string;
  readonly at: string | undefined;
  readonly onClose: () => void;
}): JSX.Element {
  const { id, at, onClose } = props;
  const query = at === undefined ? '' : `?at=${encodeURIComponent(at)}`;
  const { data: plan, error: refusal } = useData<Plan>(`${runPath(id)}/plan${query}`);
  const { isBusy, error, act } = useDoing();
  const risky = (plan?.again ?? []).filter(({ isRisky, outcome }) => isRisky && outcome !== 'failed').length;
  const what = at === undefined ? 'retry' : 'fork';
  const make = async (): Promise<void> => {
    const body = { yes: risky > 0, ...(at === undefined ? {} : { at }) };
    const made = await post<{ id: string }>(`${runPath(id)}/${what}`, body);
    onClose();
    go(runPath(made.id));
  };
  return (
    <Dialog title={at === undefined ? 'Try this run again' : 'Fork this run here'} onClose={onClose}>
      <p>
        Another run that shares what came before; this one stays as it is. It goes on where a worker or pawl
        resume takes it.
      </p>
      <Problem error={refusal ?? error} />
      {plan === undefined ? null : <PlanView plan={plan} />}
      {risky === 0 ? null : (
        <p class="problem">
          {risky === 1 ? 'One call' : `${risky} calls`} may have had an effect already, and nothing declares
          that it may be repeated.
        </p>
      )}
      <div class="buttons">
        <button
          type="button"
          class={risky > 0 ? 'danger' : 'primary'}
          disabled={isBusy || plan === undefined}
          onClick={() => act(make)}
        >
          {risky > 0
            ? `${what === 'retry' ? 'Retry' : 'Fork'} all the same`
            : what === 'retry'
              ? 'Retry'
              : 'Fork'}
        </button>
        <button type="button" class="button" onClick={onClose}>
          Leave it
        </button>
      </div>
    </Dialog>
  );
}

const SHOWN = 12;

function PlanView({ plan }: { readonly plan: Plan }): JSX.Element {
  const kept = plan.kept.map(([name, count]) => (count === 1 ? name : `${name} ×${count}`)).join(', ');
  return (
    <dl class="plan">
      <dt>Kept</dt>
      <dd>{kept === '' ? 'nothing' : <bdi>{kept}</bdi>}</dd>
      {plan.reused.length === 0 ? null : (
        <>
          <dt>Taken over</dt>
          <dd>
            <bdi>
              {plan.reused
                .map(({ name }) => name)
                .slice(0, SHOWN)
                .join(', ')}
            </bdi>
          </dd>
        </>
      )}
      <dt>Done again</dt>
      <dd>
        <ul>
          {plan.again.slice(0, SHOWN).map(({ key, name, outcome, isRisky }) => (
            <li key={key}>
              <bdi>{name}</bdi> <bdi class="id">{key}</bdi>{' '}
              <span class={isRisky && outcome !== 'failed' ? 'attention' : 'dim'}>
                {outcome ?? 'under way'}
              </span>
            </li>
          ))}
          {plan.again.length > SHOWN ? <li class="dim">… {plan.again.length - SHOWN} more</li> : null}
          {plan.again.length === 0 ? <li class="dim">nothing that was begun</li> : null}
        </ul>
      </dd>
    </dl>
  );
}
