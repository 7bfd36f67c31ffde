import type { JSX } from 'preact';

import { Icon } from './icons.tsx';
import { switchTheme } from './theme.ts';

export function ThemeButton(): JSX.Element {
  return (
    <button
      type="button"
      class="icon"
      onClick={switchTheme}
      aria-label="Light or dark"
      title="Light or dark (t)"
    >
      <Icon name="theme" />
    </button>
  );
}
