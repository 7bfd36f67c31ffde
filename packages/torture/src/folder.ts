import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** In memory where there is such a place: what is tortured is not the disk below. */
const IN_MEMORY = '/dev/shm';

/** A folder for one part, and folders in it; gone with it. What is kept to be looked at is copied out before. */
export class Folder implements Disposable {
  readonly path: string;
  #count = 0;

  constructor(name: string) {
    this.path = mkdtempSync(join(existsSync(IN_MEMORY) ? IN_MEMORY : tmpdir(), `pawl-torture-${name}-`));
  }

  fresh(): string {
    this.#count += 1;
    const path = join(this.path, String(this.#count));
    mkdirSync(path);
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
