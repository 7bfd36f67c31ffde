/** Node's remarks on how a module is loaded, which somebody who runs one file has no use for. */
function isNoise(warning: Error & { readonly code?: string }): boolean {
  if (warning.code === 'MODULE_TYPELESS_PACKAGE_JSON') return true;
  return (
    warning.name === 'ExperimentalWarning' && /type stripping|stripTypeScriptTypes/i.test(warning.message)
  );
}

/** Silences these two; every other warning is printed as before, whoever makes it. */
export function quietWarnings(): void {
  const printers = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (isNoise(warning)) return;
    for (const print of printers) print.call(process, warning);
  });
}
