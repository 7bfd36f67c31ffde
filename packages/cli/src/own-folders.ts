import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const cli = dirname(dirname(fileURLToPath(import.meta.url)));

/** Where Pawl itself lies: frames in these are not the user's. In an installation node_modules says so too. */
export const OWN_FOLDERS: readonly string[] = ['cli', 'runtime', 'sdk'].map((name) =>
  join(dirname(cli), name, '/'),
);
