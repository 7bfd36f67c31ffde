/** Light or dark: as the system has it, until somebody says otherwise. */
const KEY = 'pawl-theme';

export function startTheme(): void {
  const chosen = kept(() => localStorage.getItem(KEY));
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset['theme'] = chosen;
}

export function isDark(): boolean {
  const chosen = document.documentElement.dataset['theme'];
  return chosen === undefined ? matchMedia('(prefers-color-scheme: dark)').matches : chosen === 'dark';
}

export function switchTheme(): void {
  const next = isDark() ? 'light' : 'dark';
  document.documentElement.dataset['theme'] = next;
  kept(() => localStorage.setItem(KEY, next));
}

/** A file that is shown within something else may keep nothing. */
function kept<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
