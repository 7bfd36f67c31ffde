/** A run that was saved as one file. */
import type { JSX } from 'preact';

import type { About } from './api.ts';
import { moment } from './format.ts';
import { moveFocus, useKeys } from './keys.ts';
import type { recorded } from './recorded.ts';
import { useRoute } from './route.ts';
import { RunView } from './run-view.tsx';
import { switchTheme } from './theme.ts';
import { ThemeButton } from './theme-button.tsx';

const ABOUT: About = { journal: '', user: '', readOnly: true };

export function SharedApp({ file }: { readonly file: NonNullable<typeof recorded> }): JSX.Element {
  const route = useRoute();
  useKeys({ t: switchTheme, j: () => moveFocus(1), k: () => moveFocus(-1) });
  return (
    <div class="shared">
      <main>
        <RunView id={file.id} route={route} about={ABOUT} />
      </main>
      <footer class="shared-foot dim">
        <span>
          As it was on {moment(file.at)}; saved from Pawl.
          {file.leftOut.length === 0 ? ' Nothing was left out.' : ` Left out: ${file.leftOut.join('; ')}.`}
        </span>
        <ThemeButton />
      </footer>
    </div>
  );
}
