/** What became of what was sent. */
import { useState } from 'preact/hooks';

import { post } from './api.ts';

export interface Sending {
  readonly state: 'idle' | 'busy' | 'done';
  readonly error: Error | undefined;
  readonly send: (path: string, body: unknown) => void;
}

export function useSending(onDone: () => void): Sending {
  const [state, setState] = useState<Sending['state']>('idle');
  const [error, setError] = useState<Error>();
  const send = (path: string, body: unknown): void => {
    setState('busy');
    setError(undefined);
    const work = async (): Promise<void> => {
      try {
        await post(path, body);
        setState('done');
        onDone();
      } catch (problem) {
        setState('idle');
        setError(problem instanceof Error ? problem : new TypeError(String(problem)));
      }
    };
    void work();
  };
  return { state, error, send };
}
