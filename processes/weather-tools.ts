import { defineTask, type TaskDefinition } from '@pawl/sdk';

interface Weather {
  readonly city: string;
  readonly celsius: number | null;
}

/** What became of a city: who said it, and what. */
interface Told {
  readonly value: Weather;
  readonly winner: string;
}

export const listSources: TaskDefinition<Readonly<Record<string, string>>, readonly string[]> = defineTask({
  name: 'listSources',
  run: (sources: Readonly<Record<string, string>>): readonly string[] => {
    const names = Object.keys(sources);
    for (const name of names) void new URL(sources[name] ?? '');
    if (names.length === 0) throw new RangeError('Give at least one source.');
    return names;
  },
});

/** Asks one source. Its attempt is given up as soon as another has answered. */
export const fetchWeather: TaskDefinition<{ readonly url: string; readonly city: string }, Weather> =
  defineTask({
    name: 'fetchWeather',
    run: async (
      { url, city }: { readonly url: string; readonly city: string },
      { signal },
    ): Promise<Weather> => {
      const asked = new URL(url);
      asked.searchParams.set('city', city);
      const response = await fetch(asked, { signal });
      if (!response.ok) throw new RangeError(`${asked.host} answered ${response.status}`);
      const { celsius } = (await response.json()) as { readonly celsius?: unknown };
      if (typeof celsius !== 'number') throw new TypeError(`${asked.host} gave no temperature`);
      return { city, celsius };
    },
  });

export const formatWeather: TaskDefinition<Readonly<Record<string, Told>>, string> = defineTask({
  name: 'formatWeather',
  run: (cities: Readonly<Record<string, Told>>): string =>
    Object.values(cities)
      .map(({ value: { city, celsius }, winner }) =>
        celsius === null ? `${city}: unknown` : `${city}: ${celsius} °C (${winner.replace(/_.*$/, '')})`,
      )
      .join('\n'),
});
