import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import type { About, Waiting } from './api.ts';
import { ComparePicker, CompareView } from './compare-view.tsx';
import { useData, useLine } from './data.ts';
import { Dialog } from './dialog.tsx';
import { GraphView } from './graph-view.tsx';
import { Icon } from './icons.tsx';
import { moveFocus, useKeys } from './keys.ts';
import { Link } from './link.tsx';
import { go, useRoute, withQuery } from './route.ts';
import { RunView } from './run-view.tsx';
import { RunsView } from './runs-view.tsx';
import { PoolsView } from './pools-view.tsx';
import { SchedulesView } from './schedules-view.tsx';
import { QueueView } from './tables-view.tsx';
import { switchTheme } from './theme.ts';
import { ThemeButton } from './theme-button.tsx';
import { WorkersView } from './workers-view.tsx';
import { WaitingView } from './waiting-view.tsx';

const VIEWS = [
  ['/', 'Runs', 'runs'],
  ['/waiting', 'Waiting', 'waiting'],
  ['/workers', 'Workers', 'workers'],
  ['/graph', 'Graph', 'graph'],
  ['/pools', 'Pools', 'pools'],
  ['/queue', 'Queue', 'queue'],
  ['/schedules', 'Schedules', 'schedules'],
] as const;

const KEYS = [
  ['/', 'filter'],
  ['j k', 'next, previous'],
  ['Enter', 'open'],
  ['x', 'choose a run'],
  [`1 … ${VIEWS.length}`, 'views'],
  ['+ − 0', 'zoom the timeline'],
  ['t', 'light or dark'],
  ['Esc', 'back, close'],
  ['?', 'these keys'],
] as const;

const ABOUT: About = { journal: '', user: '', readOnly: true };

export function App(): JSX.Element {
  const route = useRoute();
  const about = useData<About>('/about').data ?? ABOUT;
  const waits = useData<Waiting>('/waits');
  const [isHelp, setHelp] = useState(false);
  useKeys({
    '?': () => setHelp(true),
    t: switchTheme,
    j: () => moveFocus(1),
    k: () => moveFocus(-1),
    '/': () => document.querySelector<HTMLElement>('[data-filter]')?.focus(),
    Escape: () => {
      if (route.pathname.startsWith('/runs/'))
        go(route.searchParams.has('call') ? withQuery(route, { call: undefined }) : '/');
    },
    ...Object.fromEntries(VIEWS.map(([path], index) => [String(index + 1), () => go(path)])),
  });
  const { waits: asked = [], tasks = [] } = waits.data ?? {};
  const open =
    asked.filter(({ breakpoint }) => (breakpoint?.decided ?? null) === null).length +
    tasks.filter(({ status }) => status === 'open').length;
  return (
    <div class="shell">
      <Side path={route.pathname} asked={open} about={about} onHelp={() => setHelp(true)} />
      <main>
        <LineNote />
        <Content route={route} about={about} waits={waits} />
      </main>
      {isHelp ? (
        <Dialog title="Keys" onClose={() => setHelp(false)}>
          <dl class="keys">
            {KEYS.map(([key, what]) => (
              <div key={key}>
                <dt>
                  <kbd>{key}</kbd>
                </dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
        </Dialog>
      ) : null}
    </div>
  );
}

/** What is on the page stays, and is old. */
function LineNote(): JSX.Element | null {
  const line = useLine();
  if (line === 'live' || line === 'opening') return null;
  return (
    <p class="problem line-note" role="alert">
      {line === 'lost'
        ? 'The server does not answer: what you see is as it was. Start it again with pawl ui; the page comes back by itself if it has the same --port and --token.'
        : 'The server was started anew. Open the address that pawl ui printed.'}
    </p>
  );
}

function Content(props: {
  readonly route: URL;
  readonly about: About;
  readonly waits: ReturnType<typeof useData<Waiting>>;
}): JSX.Element {
  const { route, about, waits } = props;
  const [, id] = /^\/runs\/([^/]+)$/.exec(route.pathname) ?? [];
  if (id !== undefined) return <RunView key={id} id={decodeURIComponent(id)} route={route} about={about} />;
  const [, a, b] = /^\/runs\/([^/]+)\/compare(?:\/([^/]+))?$/.exec(route.pathname) ?? [];
  if (a !== undefined && b !== undefined)
    return <CompareView key={route.pathname} a={decodeURIComponent(a)} b={decodeURIComponent(b)} />;
  if (a !== undefined) return <ComparePicker key={a} id={decodeURIComponent(a)} />;
  switch (route.pathname) {
    case '/':
      return <RunsView route={route} about={about} />;
    case '/waiting':
      return <WaitingView found={waits} about={about} />;
    case '/workers':
      return <WorkersView />;
    case '/graph':
      return <GraphView route={route} />;
    case '/pools':
      return <PoolsView />;
    case '/queue':
      return <QueueView />;
    case '/schedules':
      return <SchedulesView />;
    default:
      return (
        <div class="empty">
          <h1>There is nothing here</h1>
          <p>
            <Link to="/">See the runs</Link>
          </p>
        </div>
      );
  }
}

function Side(props: {
  readonly path: string;
  readonly asked: number;
  readonly about: About;
  readonly onHelp: () => void;
}): JSX.Element {
  const { path, asked, about, onHelp } = props;
  const line = useLine();
  const isOf = (to: string): boolean => path === to || (to === '/' && path.startsWith('/runs/'));
  return (
    <aside class="side">
      <div class="brand">
        <svg width="20" height="20" viewBox="0 0 16 16" aria-hidden="true">
          <rect width="16" height="16" rx="4" />
          <path d="M4 11.5 8 4l4 7.5" />
        </svg>
        <strong>Pawl</strong>
        {about.readOnly && about.journal !== '' ? <span class="tag">read only</span> : null}
      </div>
      <nav aria-label="Views">
        {VIEWS.map(([to, name, icon]) => (
          <Link key={to} to={to} current={isOf(to)}>
            <Icon name={icon} />
            {name}
            {to === '/waiting' && asked > 0 ? <span class="count attention">{asked}</span> : null}
          </Link>
        ))}
      </nav>
      <footer>
        <div class="journal" title={about.journal}>
          <bdi>{about.journal}</bdi>
        </div>
        <div class="foot">
          <span class={`line ${line === 'shut' ? 'lost' : line}`} role="status">
            {line === 'live' || line === 'opening' ? line : 'no connection'}
          </span>
          <ThemeButton />
          <button type="button" class="icon" onClick={onHelp} aria-label="Keys" title="Keys (?)">
            <Icon name="help" />
          </button>
        </div>
      </footer>
    </aside>
  );
}
