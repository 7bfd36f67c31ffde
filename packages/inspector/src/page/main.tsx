import { render } from 'preact';

import { App } from './app.tsx';
import { recorded } from './recorded.ts';
import { SharedApp } from './shared-app.tsx';
import { startTheme } from './theme.ts';

startTheme();
const root = document.getElementById('app');
if (root !== null) render(recorded === undefined ? <App /> : <SharedApp file={recorded} />, root);
