import type { ComponentChildren, JSX } from 'preact';

import { isKept } from './recorded.ts';
import { go, hrefOf } from './route.ts';

/** A link within the page: it stays one, for who opens it elsewhere. */
export function Link(props: {
  readonly to: string;
  readonly class?: string;
  readonly current?: boolean;
  readonly label?: string;
  /** Keys move to it. */
  readonly isRow?: boolean;
  readonly children: ComponentChildren;
}): JSX.Element {
  const { to, current = false, label, isRow, children } = props;
  // Of other runs a file knows the name alone.
  if (!isKept(to)) return <span class={props.class}>{children}</span>;
  return (
    <a
      href={hrefOf(to)}
      class={props.class}
      aria-label={label}
      data-row={isRow}
      aria-current={current ? 'page' : undefined}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        go(to);
      }}
    >
      {children}
    </a>
  );
}
