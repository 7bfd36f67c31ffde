/** What the process of a run logged, said again by its code; and between it what its tasks logged, which is kept. */
import type { JournalReader, LogQuery, LogLine, ReadRun, ReplaySteps } from '@pawl/runtime';
import { LOG_LEVELS, logText } from '@pawl/runtime';

import type { PrintedLine } from './log-printer.ts';

/** One event at a time: what is logged belongs to the one that woke the process. */
export async function* saidAgain(
  reader: JournalReader,
  run: ReadRun,
  steps: ReplaySteps,
  { level = 'debug', task }: LogQuery,
): AsyncGenerator<PrintedLine, void, void> {
  const kept = ofTasks(reader, run, { level, task });
  let next = kept.next();
  for (let seq = 1; seq <= steps.lastSeq + 1; seq += 1) {
    const { logs, recorded, reached } = await steps.advance(seq);
    const at = recorded?.at ?? null;
    while (next.done !== true && next.value.at <= (at ?? -Infinity)) {
      yield next.value;
      next = kept.next();
    }
    for (const said of task === undefined ? logs : []) {
      if (LOG_LEVELS.indexOf(said.level) < LOG_LEVELS.indexOf(level)) continue;
      yield { ...PROCESS, at, seq: recorded?.seq ?? 0, level: said.level, text: logText(said.values) };
    }
    if (reached !== 'seq') break;
  }
  for (; next.done !== true; next = kept.next()) yield next.value;
}

const PROCESS = { n: null, key: null, task: null, attempt: null, leftOut: 0 };

function* ofTasks(reader: JournalReader, run: ReadRun, query: LogQuery): Generator<LogLine, void, void> {
  for (const line of reader.logs(run.runId, query)) if (line.key !== null) yield line;
}
