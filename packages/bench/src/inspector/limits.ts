const MIB = 2 ** 20;

/** Bounds of the acceptance: of the log while it is written and when it is not, and of a reader's transaction. */
export const LIMITS: { readonly walMost: number; readonly walIdle: number; readonly transactionMs: number } =
  {
    walMost: 64 * MIB,
    walIdle: 8 * MIB,
    transactionMs: 100,
  };
