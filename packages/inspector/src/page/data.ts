/** What a view shows, kept up to date: the server says that something changed, and it is asked for again. */
import { useEffect, useRef, useState } from 'preact/hooks';

import { get, Refusal } from './api.ts';
import { recorded } from './recorded.ts';

/** 'shut': it is there again, and does not know this page. */
export type Line = 'opening' | 'live' | 'lost' | 'shut';

/** A run whose program is killed changes nothing in the journal: it is looked at again now and then. */
const LOOK_MS = 4000;
const LEAST_PAUSE_MS = 300;
/** A view that is dear to ask for is asked for less often. */
const PAUSE_PER_TOOK = 3;

const changed = new Set<() => void>();
const lines = new Set<(line: Line) => void>();
let source: EventSource | undefined;
let line: Line = 'opening';

function listen(): void {
  if (source !== undefined || recorded !== undefined) return;
  open();
  setInterval(tell, LOOK_MS);
  document.addEventListener('visibilitychange', tell);
}

function open(): void {
  source = new EventSource('/api/live');
  source.addEventListener('open', () => {
    setLine('live');
    tell();
  });
  source.addEventListener('change', tell);
  source.addEventListener('error', ({ target }) => {
    if (line !== 'shut') setLine('lost');
    // What was refused is not tried again by the browser.
    if (!(target instanceof EventSource) || target.readyState !== EventSource.CLOSED) return;
    void fetch('/api/about').then(
      ({ status }) => status === 401 && setLine('shut'),
      () => undefined,
    );
    setTimeout(open, LOOK_MS);
  });
}

function setLine(next: Line): void {
  line = next;
  for (const listener of lines) listener(next);
}

/** Nobody is asked who is known to be gone. */
function tell(): void {
  if (line === 'lost' || line === 'shut') return;
  if (document.visibilityState === 'visible') for (const listener of changed) listener();
}

export function useLine(): Line {
  const [state, set] = useState(line);
  useEffect(() => {
    lines.add(set);
    return () => lines.delete(set);
  }, []);
  return state;
}

export interface Data<T> {
  readonly data: T | undefined;
  readonly error: Error | undefined;
  readonly reload: () => void;
}

interface Kept<T> {
  readonly path: string | undefined;
  readonly data: T | undefined;
  readonly error: Error | undefined;
}

/** @param path undefined: nothing is asked for */
export function useData<T>(path: string | undefined): Data<T> {
  const [kept, keep] = useState<Kept<T>>({ path, data: undefined, error: undefined });
  const again = useRef(() => {});
  useEffect(() => {
    if (path === undefined) return undefined;
    const poll = new Poll<T>(path, (data, error) => {
      // That nobody answers is said once, for the whole page.
      const isGone = error instanceof Refusal && error.status === 0 && line !== 'opening';
      keep((now) => ({
        path,
        data: data ?? (now.path === path ? now.data : undefined),
        error: isGone ? undefined : error,
      }));
    });
    again.current = () => poll.ask();
    listen();
    changed.add(again.current);
    poll.ask();
    const own = again.current;
    return () => {
      changed.delete(own);
      poll.end();
    };
  }, [path]);
  const isOwn = kept.path === path;
  return {
    data: isOwn ? kept.data : undefined,
    error: isOwn ? kept.error : undefined,
    reload: () => again.current(),
  };
}

/**
 * One question at a time; what changes meanwhile is asked for once more behind it. A field of the answer that says nothing
 * new is the one that was told before: thousands of rows would be drawn again each time that somebody looks.
 */
class Poll<T> {
  readonly #path: string;
  readonly #told: (data: T | undefined, error: Error | undefined) => void;
  readonly #ended = new AbortController();
  #state: 'idle' | 'asking' | 'again' = 'idle';
  /** Fields that were told last, with their texts. */
  #last: ReadonlyMap<string, readonly [text: string, value: unknown]> = new Map();

  constructor(path: string, told: (data: T | undefined, error: Error | undefined) => void) {
    this.#path = path;
    this.#told = told;
  }

  ask(): void {
    if (this.#state === 'idle') void this.#run();
    else this.#state = 'again';
  }

  end(): void {
    this.#ended.abort();
  }

  async #run(): Promise<void> {
    this.#state = 'asking';
    const began = performance.now();
    try {
      this.#told(this.#asKnown(await get<T & object>(this.#path, this.#ended.signal)), undefined);
    } catch (error) {
      if (this.#ended.signal.aborted) return;
      this.#told(
        undefined,
        error instanceof Refusal ? error : new Refusal(0, 'The server does not answer.', undefined),
      );
    }
    const took = performance.now() - began;
    await new Promise((resolve) => setTimeout(resolve, Math.max(LEAST_PAUSE_MS, took * PAUSE_PER_TOOK)));
    const isAsked = (this.#state as string) === 'again';
    this.#state = 'idle';
    if (isAsked && !this.#ended.signal.aborted) void this.#run();
  }

  #asKnown(data: T & object): T {
    const fields = Object.entries(data).map(([name, value]: [string, unknown]) => {
      const text = JSON.stringify(value);
      const known = this.#last.get(name);
      return [name, known?.[0] === text ? known : ([text, value] as const)] as const;
    });
    this.#last = new Map(fields);
    return Object.fromEntries(fields.map(([name, [, value]]) => [name, value])) as T;
  }
}

/** Goes on with the time, for what says how long something takes. */
export function useNow(everyMs: number): number {
  const [now, set] = useState(recorded?.at ?? Date.now());
  useEffect(() => {
    if (recorded !== undefined) return undefined;
    const timer = setInterval(() => set(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
