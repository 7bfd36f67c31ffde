import type { PersonsAnswer, QuestionRules } from './program.ts';

export type Verdict = 'approved' | 'rejected' | 'failed';

/** A question of the model: which answers count, what they come to, and what the process is told. */
export class ModelQuestion {
  readonly #rules: QuestionRules;
  readonly #onTimeout: 'reject' | 'approve' | 'fail';
  readonly #answers: Omit<PersonsAnswer, 'ms'>[] = [];

  constructor(rules: QuestionRules, onTimeout: 'reject' | 'approve' | 'fail') {
    this.#rules = rules;
    this.#onTimeout = onTimeout;
  }

  /** Whoever has answered, or was not asked, does not count. */
  counts(by: string): boolean {
    const { experts } = this.#rules;
    return !this.#answers.some((answer) => answer.by === by) && (experts?.includes(by) ?? true);
  }

  add({ by, approved, option }: Omit<PersonsAnswer, 'ms'>): void {
    this.#answers.push({ by, approved, option });
  }

  /** By the answers so far; undefined while they decide nothing. */
  get verdict(): 'approved' | 'rejected' | undefined {
    const { strategy, quorum, experts } = this.#rules;
    const yes = this.#answers.filter(({ approved }) => approved).length;
    const no = this.#answers.length - yes;
    if (strategy === 'single' || strategy === 'first')
      return yes > 0 ? 'approved' : no > 0 ? 'rejected' : undefined;
    const asked = experts?.length;
    const needed = strategy === 'all' ? (asked ?? 0) : (quorum ?? 0);
    if (yes >= needed) return 'approved';
    const isHopeless = asked === undefined ? no >= needed : asked - no < needed;
    return isHopeless ? 'rejected' : undefined;
  }

  get atTimeout(): Verdict {
    return ({ reject: 'rejected', approve: 'approved', fail: 'failed' } as const)[this.#onTimeout];
  }

  /** What the process gets. */
  result(approved: boolean, isAnswered: boolean): unknown {
    const told = this.#answers.map(({ by, approved: isYes, option }) => ({
      respondedBy: by,
      approved: isYes,
      option: option ?? null,
      feedback: null,
      response: option ?? null,
    }));
    const last = isAnswered ? told.at(-1) : undefined;
    return {
      approved,
      option: isAnswered ? mostChosen(told.filter((each) => each.approved === approved)) : null,
      response: last?.response ?? null,
      feedback: null,
      respondedBy: last?.respondedBy ?? null,
      allResponses: told,
    };
  }
}

function mostChosen(told: readonly { readonly option: string | null }[]): string | null {
  const chosen = told.flatMap(({ option }) => (option === null ? [] : [option]));
  const votes = (option: string): number => chosen.filter((other) => other === option).length;
  const most = Math.max(0, ...chosen.map(votes));
  return chosen.find((option) => votes(option) === most) ?? null;
}
