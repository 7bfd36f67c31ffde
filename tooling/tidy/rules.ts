import { importFindings } from './import-rules.ts';
import { purityFindings } from './purity-rules.ts';
import { shapeFindings } from './shape-rules.ts';
import type { Finding, SourceFile } from './source-file.ts';

/** Every house rule on one file. */
export function findingsOf(source: SourceFile): Finding[] {
  return [...importFindings(source), ...purityFindings(source), ...shapeFindings(source)];
}
