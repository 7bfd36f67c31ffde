/** Lines that were changed lately, for mutants of no more than these. */
import { execFileSync } from 'node:child_process';

import { ROOT } from '../run-command.ts';

/** `first` and `last` count from 1. */
export interface Lines {
  readonly file: string;
  readonly first: number;
  readonly last: number;
}

function git(...words: readonly string[]): string {
  return execFileSync('git', words, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

/**
 * What the last commits that touch one of these files changed, and what is not committed yet: as many commits as
 * make no more than `most` lines together. One that makes more by itself is cut off.
 * @returns undefined where there is no history, as in a copy without git
 */
export function changedLines(files: readonly string[], most: number): readonly Lines[] | undefined {
  let commits: readonly string[];
  try {
    commits = git('log', '--format=%H', '--max-count=10', '--', ...files)
      .split('\n')
      .filter(Boolean);
  } catch {
    return undefined;
  }
  let lines: readonly Lines[] = [];
  for (const commit of ['', ...commits]) {
    const base = commit === '' ? 'HEAD' : `${commit}^`;
    let diff: string;
    try {
      diff = git('diff', '--unified=0', '--no-ext-diff', '--no-color', base, '--', ...files);
    } catch {
      // The first commit, or the first one of a clone that is not whole.
      break;
    }
    const more = linesIn(diff);
    if (lines.length > 0 && count(more) > most) break;
    lines = cutOff(more, most);
  }
  return lines;
}

/** What a diff without context adds or changes. */
export function linesIn(diff: string): readonly Lines[] {
  const lines: Lines[] = [];
  let file = '';
  for (const line of diff.split('\n')) {
    const name = /^diff --git a\/.+ b\/(.+)$/.exec(line)?.[1];
    if (name !== undefined) file = name;
    const [, from, length = '1'] = /^@@ \S+ \+(\d+)(?:,(\d+))? @@/.exec(line) ?? [];
    if (from === undefined || length === '0') continue;
    lines.push({ file, first: Number(from), last: Number(from) + Number(length) - 1 });
  }
  return lines;
}

export function count(lines: readonly Lines[]): number {
  return lines.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

/** The first ones, `most` lines of them. */
export function cutOff(lines: readonly Lines[], most: number): readonly Lines[] {
  const kept: Lines[] = [];
  let left = most;
  for (const { file, first, last } of lines) {
    if (left <= 0) break;
    const end = Math.min(last, first + left - 1);
    kept.push({ file, first, last: end });
    left -= end - first + 1;
  }
  return kept;
}
