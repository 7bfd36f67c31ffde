import type { Cost } from '@pawl/sdk';
import type { AttemptSlot } from './attempt-owner.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Ticket } from './pools/pool.ts';

/** Whose slot it is. */
export interface SlotOwner {
  /** Law 10: before work goes on, whether the run is still ours. */
  isOurs(): boolean;
  /** What waits can start now. */
  slotFreed(): void;
}

/**
 * The slot of one attempt, which it may give back for a while.
 *
 * Owns its ticket. Talks to the dispatcher. Invariant: it is held, waited for, or gone, and whatever ends the
 * attempt leaves it gone.
 */
export class Slot implements AttemptSlot {
  readonly #dispatcher: Dispatcher;
  readonly #owner: SlotOwner;
  #ticket: Ticket;

  constructor(dispatcher: Dispatcher, owner: SlotOwner, granted: Ticket) {
    this.#dispatcher = dispatcher;
    this.#owner = owner;
    this.#ticket = granted;
  }

  get isHeld(): boolean {
    return this.#ticket.state === 'granted';
  }

  reconcile(cost: Cost): boolean {
    return this.#dispatcher.reconcile(this.#ticket, cost);
  }

  giveBack(): void {
    if (this.isHeld) this.#dispatcher.release(this.#ticket);
    else this.#dispatcher.forget(this.#ticket);
    this.#owner.slotFreed();
  }

  comeBack(granted: () => void): void {
    this.#ticket = this.#dispatcher.comeBack(this.#ticket, {
      grantSlot: () => {
        if (!this.#owner.isOurs()) return false;
        granted();
        return true;
      },
      refuseSlot: () => undefined,
      slotFreed: () => this.#owner.slotFreed(),
    });
    this.#owner.slotFreed();
  }
}

/** Of what does none of the task's work. */
export const NO_SLOT: AttemptSlot = {
  isHeld: false,
  reconcile: () => false,
  giveBack: () => undefined,
  comeBack: () => undefined,
};
