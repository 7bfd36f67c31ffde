/** Lines of logs on their way out. */
import type { LogLine, RunId } from '@pawl/runtime';

import { jsonLine } from './render/json.ts';
import { keptLogLines, leftOutLine } from './render/log.ts';
import { timestamp } from './run-document.ts';
import type { Io } from './terminal.ts';

/** A line that is kept; or one that the process says again, which has no place among them. */
export type PrintedLine = Omit<LogLine, 'n' | 'at'> & {
  readonly n: LogLine['n'] | null;
  readonly at: LogLine['at'] | null;
};

/** As `--json`, and over HTTP. */
export function logLineDocument(runId: RunId, line: PrintedLine): Readonly<Record<string, unknown>> {
  const { n, seq, at, level, key, task, attempt, text, leftOut } = line;
  return { runId, n, seq, at: timestamp(at), level, key, task, attempt, message: text, leftOut };
}

export class LogPrinter {
  readonly #io: Io;
  readonly #isJson: boolean;
  printed = 0;

  constructor(io: Io, isJson: boolean) {
    this.#io = io;
    this.#isJson = isJson;
  }

  /** Whether somebody still reads. */
  async print(runId: RunId, line: PrintedLine): Promise<boolean> {
    const { out } = this.#io;
    this.printed += 1;
    if (this.#isJson) out.line(jsonLine({ log: logLineDocument(runId, line) }));
    else {
      if (line.leftOut > 0) out.line(leftOutLine(line.leftOut, out.theme));
      out.lines(keptLogLines(line, out.theme));
    }
    await out.ready();
    return !out.isClosed;
  }
}
