/** Who sits here, as far as the environment says. */
export function userName(env: Readonly<Record<string, string | undefined>>): string {
  const names = [env['USER'], env['LOGNAME'], env['USERNAME']];
  return names.find((name) => name !== undefined && name !== '')?.slice(0, 200) ?? 'somebody';
}
