import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

import { Icon } from './icons.tsx';

/** Over the page, and gone with Escape. */
export function Dialog(props: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}): JSX.Element {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => element.current?.showModal(), []);
  return (
    <dialog ref={element} aria-label={props.title} onClose={props.onClose}>
      <header>
        <h2>{props.title}</h2>
        <button type="button" class="icon" aria-label="Close" onClick={props.onClose}>
          <Icon name="close" />
        </button>
      </header>
      {props.children}
    </dialog>
  );
}

export function Problem({ error }: { readonly error: Error | undefined }): JSX.Element | null {
  if (error === undefined) return null;
  const hint = 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined;
  return (
    <p class="problem" role="alert">
      {error.message}
      {hint === undefined ? null : <span class="dim"> {hint}</span>}
    </p>
  );
}
