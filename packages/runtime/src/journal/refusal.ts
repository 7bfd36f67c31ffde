/** How deep the container is that a path leads through; decides how a step is written. */
export type PathStep = string | number;

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
const LONGEST_KEY = 60;
/** Of a long path the first and the last steps say enough; 200 levels of `.next` say nothing. */
const STEPS_AT_EACH_END = 12;

function quoted(key: string): string {
  return JSON.stringify(key.length > LONGEST_KEY ? `${key.slice(0, LONGEST_KEY)}…` : key);
}

function formatStep(step: PathStep, holder: unknown): string {
  if (typeof step === 'string') return IDENTIFIER.test(step) ? `.${step}` : `[${quoted(step)}]`;
  if (holder instanceof Map) return `.entries()[${Math.floor(step / 2)}][${step % 2}]`;
  if (holder instanceof Set) return `.values()[${step}]`;
  return `[${step}]`;
}

/**
 * `$.items[3].callback`: where a value is found, `$` is the whole. `holders[i]` is what `steps[i]` is
 * read from; the n-th entry of a Map is the steps 2n (its key) and 2n + 1 (its value).
 */
export function formatPath(steps: readonly PathStep[], holders: readonly unknown[], length: number): string {
  let path = '$';
  for (let i = 0; i < length; i += 1) {
    if (i === STEPS_AT_EACH_END && length > 2 * STEPS_AT_EACH_END) {
      i = length - STEPS_AT_EACH_END;
      path += '…';
    }
    path += formatStep(steps[i] ?? '', holders[i]);
  }
  return path;
}

/** A value that the journal cannot hold without loss. Callers turn it into their public error. */
export class EncodeRefusal extends Error {
  override readonly name = 'EncodeRefusal';
  /** `$.items[3].callback` */
  readonly path: string;
  /** What is wrong there, as the end of a sentence: 'is a function'. */
  readonly reason: string;
  /** 'size': it could be kept, were it smaller. */
  readonly kind: 'form' | 'size';

  constructor(path: string, reason: string, kind: 'form' | 'size' = 'form') {
    super(`${path} ${reason}`);
    this.path = path;
    this.reason = reason;
    this.kind = kind;
  }
}

/** A recorded value that `encode` cannot have written: the journal was changed by something else. */
export class DecodeRefusal extends Error {
  override readonly name = 'DecodeRefusal';
  /** Place in the recorded JSON, tags included: `$.when.value`. */
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string) {
    super(`${path} ${reason}`);
    this.path = path;
    this.reason = reason;
  }
}
