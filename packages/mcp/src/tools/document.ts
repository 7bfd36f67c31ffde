import { failed } from '../failure.ts';
import type { PawlUse } from '../pawl.ts';
import { bounded, type Reply } from '../reply.ts';
import type { Deps } from '../tool.ts';

/** A document, as the command gives it. */
export async function document(
  { pawl }: Deps,
  use: PawlUse,
  next: (document: never) => readonly string[] = () => [],
): Promise<Reply> {
  const end = await pawl.use({ ...use, options: { ...use.options, json: true } });
  if (end.exitCode !== 0) return failed(end);
  const text = end.stdout.trim();
  return { data: bounded(text), next: next(JSON.parse(text) as never) };
}
