/** What a recorded program acknowledged: from the moment it was told it must never be lost. */
export type Told =
  | { readonly at: 'committed'; readonly seq: number; readonly type: string; readonly key: string }
  | { readonly at: 'posted'; readonly id: string }
  | { readonly at: 'end'; readonly value: unknown };

/** How the recorded program syncs: as Pawl does by default, or less. */
export type Durable = 'full' | 'normal' | 'as the binding does' | 'never';
