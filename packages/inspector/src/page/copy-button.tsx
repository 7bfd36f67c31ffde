import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { Icon } from './icons.tsx';

const SHOWN_MS = 1200;

export function CopyButton(props: {
  /** A function is asked once it is wanted: a large value is not written out to be shown. */
  readonly text: string | (() => string);
  readonly label: string;
  readonly icon?: 'copy' | 'path';
}): JSX.Element {
  const { text, label, icon = 'copy' } = props;
  const [isDone, setDone] = useState(false);
  useEffect(() => {
    if (!isDone) return undefined;
    const timer = setTimeout(() => setDone(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [isDone]);
  return (
    <button
      type="button"
      class="icon"
      aria-label={label}
      title={label}
      onClick={() =>
        void navigator.clipboard.writeText(typeof text === 'string' ? text : text()).then(
          () => setDone(true),
          () => undefined,
        )
      }
    >
      <Icon name={isDone ? 'done' : icon} />
    </button>
  );
}

/** A command to type, to be copied. */
export function Command({ command, why }: { readonly command: string; readonly why: string }): JSX.Element {
  return (
    <div class="command">
      <code>{command}</code>
      <CopyButton text={command} label={`Copy: ${command}`} />
      <span class="dim">{why}</span>
    </div>
  );
}
