/** A process as Babysitter calls it. */
export type BabysitterProcess = (inputs: never, ctx: never) => unknown;

export interface HookRun {
  readonly hookPath: string;
  readonly hookName: string;
  readonly hookLocation: 'per-repo' | 'per-user';
  readonly status: 'success' | 'failed';
  readonly exitCode?: number;
  readonly error?: string;
}

export interface HookResult {
  readonly hookType: string;
  readonly success: boolean;
  readonly error?: string;
  readonly executedHooks: readonly HookRun[];
}

/** What a process needs of the machine that it runs on; what is left out is not there for it. */
export interface BabysitterHost {
  /** Makes the folder of a run, with `artifacts` in it, where it is not there. Gives its absolute path. */
  readonly openFolder?: (runId: string) => string | Promise<string>;
  /** Runs what is registered for a hook, one after the other, with the payload as JSON on stdin. */
  readonly callHook?: (
    type: string,
    payload: unknown,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ) => Promise<HookResult>;
  /** Loads the process that another module exports. */
  readonly loadProcess?: (path: string, exported: string | undefined) => Promise<BabysitterProcess>;
}
