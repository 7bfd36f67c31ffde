import { checkAgainst, ValidationError } from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import { decode } from '../journal/codec.ts';
import type { ErrorRecord } from '../journal/error-record.ts';
import type { Encoded, Recorded } from '../journal/event.ts';
import { inWords } from '../journal/in-words.ts';
import { unreachable } from '../journal/invariant.ts';
import type { AnswerMessage } from '../journal/offer.ts';
import { openOffer } from '../kernel/decide-offer.ts';
import type { Report, TaskAnswer } from '../kernel/input.ts';
import { encodePayload } from '../process/payload.ts';
import type { Refusal } from './mailbox.ts';
import { offerNote } from './offer-note.ts';
import { isBusy } from './patience.ts';
import type { RunDriver } from './run-driver.ts';
import type { RunJournal } from './run-journal.ts';

type Checked = { readonly value: Encoded; readonly issues?: undefined } | { readonly issues: Refusal };

/**
 * The external tasks of one run.
 *
 * Owns nothing: what is open is in the run's state, and who works on it in the store. Talks to the run by reports.
 * Invariant: what was answered in time is taken before the time is found to be up.
 */
export class RunOffers {
  readonly #run: RunDriver;
  readonly #journal: RunJournal;
  readonly #payloadBytes: number;
  readonly #random: () => number;

  constructor(run: RunDriver, journal: RunJournal, deps: { payloadBytes: number; random: () => number }) {
    this.#run = run;
    this.#journal = journal;
    this.#payloadBytes = deps.payloadBytes;
    this.#random = deps.random;
  }

  /** What the run recorded, before its commit. */
  saw(recorded: Recorded): void {
    const note = offerNote(this.#run.runId, this.#run.state, recorded);
    if (note !== undefined) this.#journal.note(note);
  }

  /** What an answer means when its turn comes; undefined where its call has been settled or given up. */
  taken({ id: messageId, key, worker, as }: AnswerMessage): Report | undefined {
    if (openOffer(this.#run.state, key) === undefined) return undefined;
    let answer: TaskAnswer;
    switch (as.status) {
      case 'done': {
        const checked = this.#checked(key, as.output);
        if (checked.issues !== undefined)
          return { type: 'AnswerUnfit', key, messageId, worker, issues: checked.issues };
        answer = { status: 'done', output: checked.value };
        break;
      }
      case 'failed':
        answer = { status: 'failed', error: errorOf(as) };
        break;
      case 'cancelled':
        answer = as;
        break;
      default:
        return unreachable(as);
    }
    return { type: 'AnswerGiven', key, worker, answer, draw: this.#random() };
  }

  /** Why the code of the run would refuse an answer; undefined where it takes it. */
  refusal(key: CallKey, output: Encoded): Refusal | undefined {
    return this.#checked(key, output).issues;
  }

  /** Its time is up. @returns false where the inbox could not be read now: ask again */
  due(report: Extract<Report, { type: 'DeadlinePassed' }>): boolean {
    if (this.#run.state.calls.get(report.key)?.kind === 'offer') {
      try {
        this.#run.readInbox();
      } catch (error) {
        if (isBusy(error)) return false;
        this.#run.fail(error);
      }
    }
    this.#run.report(report);
    return true;
  }

  #checked(key: CallKey, output: Encoded): Checked {
    const offer = this.#run.host.openCalls.get(key)?.offer;
    if (offer?.output === undefined) return { value: output };
    const what = `The answer to task '${offer.task}'`;
    try {
      const value = checkAgainst(offer.output, decode(output), what);
      if (!(value instanceof Promise)) return { value: encodePayload(what, value, this.#payloadBytes) };
      value.catch(() => undefined);
      return { issues: [{ path: '$', message: 'the schema of an external task must answer at once' }] };
    } catch (error) {
      if (error instanceof ValidationError) return { issues: error.issues };
      return { issues: [{ path: '$', message: inWords(error) }] };
    }
  }
}

function errorOf({ message, details }: Extract<AnswerMessage['as'], { status: 'failed' }>): ErrorRecord {
  return { name: 'Error', message, ...(details === null ? {} : { fields: { details } }) };
}
