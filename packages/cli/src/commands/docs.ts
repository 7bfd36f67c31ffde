import { existsSync, readdirSync, readFileSync } from 'node:fs';

import { nearest, RuntimeError } from '@pawl/runtime';

import { COMMON_OPTIONS, defineCommand, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { jsonLine } from '../render/json.ts';
import { cleanLines } from '../render/clean.ts';
import { fit } from '../render/columns.ts';

export const docsCommand: Command = defineCommand({
  description: 'Prints a page of the documentation of this version, as Markdown. Without a name: the pages.',
  arguments: [{ name: '[page]', description: 'such as sql' }],
  options: COMMON_OPTIONS,
  examples: [
    { command: 'pawl docs', what: 'the pages' },
    { command: 'pawl docs determinism | less', what: 'one of them' },
  ],
  run: async ({ args: [page], options, io }) => {
    const { out } = io;
    const folder = docsFolder();
    const pages = pagesIn(folder);
    if (page === undefined) {
      const listed = pages.map((name) => ({ name, title: titleOf(textOf(folder, name)) }));
      const width = Math.max(...pages.map((name) => name.length));
      if (options.json) out.line(jsonLine({ pages: listed }));
      else
        out.lines(
          listed.map(
            ({ name, title }) => `${name.padEnd(width)}  ${out.theme.dim(fit(title, out.width - width - 2))}`,
          ),
        );
      return DONE;
    }
    if (!pages.includes(page)) {
      const near = nearest(page, pages);
      throw new RuntimeError('NOT_FOUND', `There is no page '${page.slice(0, 80)}'.`, {
        hint: near.length > 0 ? `Did you mean ${near.join(' or ')}?` : 'See the pages: pawl docs',
      });
    }
    const text = textOf(folder, page);
    if (options.json) out.line(jsonLine({ page, text }));
    else out.lines(cleanLines(text.trimEnd()));
    return DONE;
  },
});

/** Beside the code of an installed package; in the workspace where they are written. */
function docsFolder(): URL {
  const installed = new URL('./docs/', import.meta.url);
  return existsSync(new URL('sql.md', installed)) ? installed : new URL('../../../../docs/', import.meta.url);
}

function pagesIn(folder: URL): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => name.slice(0, -'.md'.length))
    .toSorted();
}

function textOf(folder: URL, page: string): string {
  return readFileSync(new URL(`${page}.md`, folder), 'utf8');
}

function titleOf(text: string): string {
  return /^# (.+)$/m.exec(text)?.[1]?.replaceAll('`', '') ?? '';
}
