/** Which runs of the list are chosen, to be looked at together. */
import { useState } from 'preact/hooks';

export interface Selection {
  readonly ids: readonly string[];
  readonly toggle: (id: string) => void;
  readonly clear: () => void;
}

export function useSelection(): Selection {
  const [ids, setIds] = useState<readonly string[]>([]);
  return {
    ids,
    toggle: (id) => setIds(ids.includes(id) ? ids.filter((other) => other !== id) : [...ids, id]),
    clear: () => setIds([]),
  };
}
