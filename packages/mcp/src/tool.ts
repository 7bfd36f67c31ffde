import { z } from 'zod';
import type { Drives } from './drives.ts';
import type { Pawl } from './pawl.ts';
import type { Reply } from './reply.ts';

export interface Deps {
  readonly pawl: Pawl;
  readonly drives: Drives;
  /** Who answers, as the journal records it. */
  readonly agent: string;
}

/** What an agent can call. */
export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly input: z.ZodObject;
  /** 'look' never writes. 'change' is there only where the server was started with --allow-write. */
  readonly kind: 'look' | 'change';
  /** It cannot be taken back. */
  readonly isFinal: boolean;
  readonly call: (input: never, deps: Deps) => Promise<Reply>;
}

export function defineTool<Shape extends z.ZodRawShape>(tool: {
  readonly name: string;
  readonly description: string;
  readonly input: Shape;
  readonly kind: Tool['kind'];
  readonly isFinal?: boolean;
  readonly call: (input: z.infer<z.ZodObject<Shape>>, deps: Deps) => Promise<Reply>;
}): Tool {
  // What is not in the schema is a mistake of the caller, who is told so.
  return { ...tool, input: z.strictObject(tool.input), isFinal: tool.isFinal ?? false };
}

export const RUN: z.ZodString = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:@+~-]{0,127}$/)
  .describe('The id of a run, as list_runs gives it');

export const FROM_LINE: z.ZodDefault<z.ZodNumber> = z
  .number()
  .int()
  .min(1)
  .default(1)
  .describe('The first line to show: what an earlier answer said');

export const WAIT: z.ZodDefault<z.ZodNumber> = z
  .number()
  .min(0)
  .max(120)
  .default(20)
  .describe('How many seconds to wait for its end; it goes on after that');
