/** What is told of keys: never a key, only what it is called by. */
import { RuntimeError } from '../../errors.ts';

const GIVE_KEY = 'Give it: PAWL_KEY=<key>, or PAWL_KEY_COMMAND=<command that prints it>; see: pawl key';

export function noKey(path: string, master: string): RuntimeError {
  return new RuntimeError(
    'SEALED',
    `The journal ${path} is encrypted (key ${master}), and no key was given.`,
    {
      hint: GIVE_KEY,
      data: { path, master, given: null },
    },
  );
}

export function otherKey(path: string, master: string, given: string): RuntimeError {
  const text = `The journal ${path} is encrypted with key ${master}, and key ${given} was given.`;
  return new RuntimeError('SEALED', text, { hint: GIVE_KEY, data: { path, master, given } });
}

export function rotatedMeanwhile(path: string, master: string): RuntimeError {
  return new RuntimeError(
    'SEALED',
    `The key of the journal ${path} was changed (to ${master}) while this program had it open.`,
    { hint: 'Start the program again with the new key (PAWL_KEY); nothing is lost', data: { path, master } },
  );
}

export function openWithoutKey(path: string): RuntimeError {
  return new RuntimeError(
    'BUSY',
    `This program has the journal ${path} open without its key, and would go on writing in the clear.`,
    { hint: 'Give the key wherever it is opened: openRuntime({ encryption })', data: { path } },
  );
}

export function nothingEncrypted(path: string): RuntimeError {
  return new RuntimeError('REFUSED', `The journal ${path} is not encrypted: it has no key to change.`, {
    hint: 'What opens it with a key to write begins to encrypt: PAWL_KEY=<key> pawl work',
    data: { path },
  });
}

export function sameKey(path: string, master: string): RuntimeError {
  return new RuntimeError('REFUSED', `The journal ${path} has this very key already (${master}).`, {
    hint: 'Make another one: pawl key new',
    data: { path, master },
  });
}

export function damagedKey(path: string, id: number): RuntimeError {
  return new RuntimeError('CORRUPT', `Data key ${id} of the journal ${path} is damaged: it does not open.`, {
    hint: 'Restore a backup: nothing that was sealed with it can be read without it',
    data: { path, dataKey: id, problem: `data key ${id} does not open` },
  });
}

export function damaged(path: string, place: readonly (string | number)[], why: string): RuntimeError {
  return new RuntimeError(
    'CORRUPT',
    `A value of the journal ${path} (${place.join(' ')}) is damaged: ${why}.`,
    {
      hint: 'pawl verify',
      data: { path, problem: `${place.join(' ')}: ${why}` },
    },
  );
}

export function openElsewhere(path: string): RuntimeError {
  return new RuntimeError(
    'BUSY',
    `The journal ${path} is not encrypted yet, and others have it open without a key: they would go on writing in the clear.`,
    { hint: 'Stop them (pawl work, pawl serve, pawl run, pawl top, pawl ui), and try again', data: { path } },
  );
}
