import type { Secret } from '@pawl/sdk';

const SHOWN = '[secret]';

let textOf: (secret: SealedSecret) => string;

/**
 * What process code holds instead of a value that only tasks may see.
 *
 * Owns the sealed text, which nothing but the codec reads, so that the same handle is the same text each time.
 */
export class SealedSecret implements Secret {
  readonly #sealed: string;

  static {
    textOf = (secret) => secret.#sealed;
  }

  /** @param sealed base64 */
  constructor(sealed: string) {
    this.#sealed = sealed;
    Object.freeze(this);
  }

  toString(): typeof SHOWN {
    return SHOWN;
  }

  toJSON(): typeof SHOWN {
    return SHOWN;
  }

  [Symbol.toPrimitive](): typeof SHOWN {
    return SHOWN;
  }
}

/** How Node and others print a value. */
Object.defineProperty(SealedSecret.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value: () => SHOWN,
});

export function sealedText(secret: SealedSecret): string {
  return textOf(secret);
}
