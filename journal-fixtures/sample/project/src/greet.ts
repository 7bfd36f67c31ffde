import { shout } from './shout.ts';

// TODO: ask for the name
export function greet(name: string): string {
  return shout(`Hello, ${name}`);
}
