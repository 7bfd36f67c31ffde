/** What a cancel, a retry, a fork or a rewind would do, before it is done. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { post } from './api.ts';
import { Dialog, Problem } from './dialog.tsx';
import { ForkDialog } from './fork-dialog.tsx';
import { ReplayDialog } from './replay-dialog.tsx';
import { runPath } from './route.ts';

export type Steer =
  | { readonly what: 'retry' }
  | { readonly what: 'fork' | 'rewind'; readonly at: string }
  | { readonly what: 'cancel' }
  | { readonly what: 'replay' };

interface SteerProps {
  readonly id: string;
  readonly onClose: () => void;
}

export function SteerDialog(props: SteerProps & { readonly steer: Steer }): JSX.Element {
  const { id, steer, onClose } = props;
  switch (steer.what) {
    case 'cancel':
      return <CancelDialog id={id} onClose={onClose} />;
    case 'replay':
      return <ReplayDialog id={id} onClose={onClose} />;
    case 'retry':
      return <ForkDialog id={id} word="retry" at={undefined} onClose={onClose} />;
    case 'fork':
    case 'rewind':
      return <ForkDialog id={id} word={steer.what} at={steer.at} onClose={onClose} />;
    default:
      return steer satisfies never;
  }
}

function CancelDialog({ id, onClose }: SteerProps): JSX.Element {
  const [reason, setReason] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();
  const cancel = (): void => {
    setBusy(true);
    post(`${runPath(id)}/cancel`, reason === '' ? {} : { reason }).then(onClose, (problem: Error) => {
      setError(problem);
      setBusy(false);
    });
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
        <button type="button" class="danger" disabled={isBusy} onClick={cancel}>
          Cancel the run
        </button>
        <button type="button" class="button" onClick={onClose}>
          Leave it
        </button>
      </div>
    </Dialog>
  );
}
