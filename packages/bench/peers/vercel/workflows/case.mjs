import { FatalError } from 'workflow';

import { newStep, payload } from '../kit/perform.mjs';

// The compiler of this peer makes two programs of this file: the workflow's for a sandbox, the steps' for Node.

export async function run({ shape, n }) {
  'use workflow';
  const all = Array.from({ length: n }, (_, i) => i);
  if (shape === 'fanOut') {
    const results = await Promise.all(all.map((i) => give(i)));
    for (const i of all) if (results[i] !== i) throw new FatalError(`step ${i} gave ${results[i]}`);
    return;
  }
  if (shape === 'payload') {
    const results = await Promise.all(all.map((i) => text(i)));
    for (const i of all)
      if (results[i].length !== 1024) throw new FatalError(`step ${i} gave ${results[i].length}`);
    return;
  }
  for (const i of all) if ((await give(i)) !== i) throw new FatalError(`step ${i} gave something else`);
  if (shape === 'resume') await last();
}

async function give(i) {
  'use step';
  return i;
}

async function text(i) {
  'use step';
  return payload(i);
}

async function last() {
  'use step';
  return newStep();
}
