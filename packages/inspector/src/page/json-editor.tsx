/** A value that somebody writes as JSON, and what is wrong with it while it is none. */
import type { JSX } from 'preact';
import { useId } from 'preact/hooks';

export function JsonEditor(props: {
  readonly label: string;
  readonly text: string;
  /** Undefined: it is JSON. */
  readonly problem: string | undefined;
  readonly rows?: number;
  readonly onText: (text: string) => void;
}): JSX.Element {
  const { label, text, problem, rows = 3, onText } = props;
  const id = useId();
  const isWrong = problem !== undefined && text.trim() !== '';
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        class="code"
        rows={Math.max(rows, Math.min(16, text.split('\n').length))}
        value={text}
        spellcheck={false}
        placeholder='{"ok": true}   "a text"   42'
        aria-invalid={isWrong}
        aria-describedby={isWrong ? `${id}-problem` : undefined}
        onInput={(event) => onText(event.currentTarget.value)}
      />
      <p id={`${id}-problem`} class="issue" role="status">
        {isWrong ? problem : ''}
      </p>
    </div>
  );
}
