/** Keys of the whole page; what somebody writes into a field is theirs. */
import { useEffect } from 'preact/hooks';

export function useKeys(keys: Readonly<Record<string, (event: KeyboardEvent) => void>>): void {
  useEffect(() => {
    const listener = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const { target } = event;
      const isField = target instanceof HTMLElement && target.matches('input, textarea, select');
      if (isField) {
        if (event.key !== 'Escape') return;
        // A search field would be emptied by it.
        event.preventDefault();
        target.blur();
        return;
      }
      if (document.querySelector('dialog[open]') !== null) return;
      const act = keys[event.key];
      if (act === undefined) return;
      event.preventDefault();
      act(event);
    };
    addEventListener('keydown', listener);
    return () => removeEventListener('keydown', listener);
  });
}

/** Moves the focus between the rows of the view: those that say `data-row`. */
export function moveFocus(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')];
  const at = rows.findIndex((row) => row === document.activeElement);
  const next =
    rows[at === -1 ? (by === 1 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by))];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}
