import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Outlet } from './outlet.ts';

interface Tried {
  readonly outlet: Outlet;
  readonly seen: readonly string[];
  /** As the SDK writes: it goes on when it is told. */
  write(text: string): Promise<void>;
  end(): Promise<unknown>;
}

function tried(): Tried {
  const seen: string[] = [];
  const response = new Writable({
    write(chunk: Uint8Array, _, told) {
      seen.push(Buffer.from(chunk).toString());
      told();
    },
  });
  const outlet = new Outlet(response as never);
  return {
    outlet,
    seen,
    write: (text) =>
      new Promise((told, failed) => {
        response.write(Buffer.from(text), (error) => (error ? failed(error) : told()));
      }),
    end: () => {
      const ended = once(response, 'finish');
      response.end();
      return ended;
    },
  };
}

describe('what an attempt tells Restate', () => {
  it('goes out as it comes', async () => {
    const { seen, write } = tried();
    await write('command');
    await write('end');
    expect(seen).toEqual(['command', 'end']);
  });

  it('goes out with what follows it where it is held until then', async () => {
    const { outlet, seen, write } = tried();
    outlet.hold();
    await write('message taken, ');
    await write('command, ');
    expect(seen).toEqual([]);
    outlet.release();
    await write('end');
    await write('more');
    expect(seen).toEqual(['message taken, command, end', 'more']);
  });

  it('goes out by itself where nothing follows for a while', async () => {
    const { outlet, seen, write } = tried();
    outlet.hold();
    await write('command');
    while (seen.length === 0) await delay(1);
    outlet.release();
    await write('end');
    expect(seen).toEqual(['command', 'end']);
  });

  it('goes out before its stream ends', async () => {
    const { outlet, seen, write, end } = tried();
    outlet.hold();
    await write('command');
    await end();
    expect(seen).toEqual(['command']);
  });

  it('keeps its order where something large comes, which is not copied', async () => {
    const { outlet, seen, write } = tried();
    const large = 'x'.repeat(100_000);
    outlet.hold();
    await write('command');
    await write(large);
    outlet.release();
    await write('end');
    expect(seen).toEqual(['command', large, 'end']);
  });
});
