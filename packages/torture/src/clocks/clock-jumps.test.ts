import { testTier } from '../tier.fixture.ts';
import { clockJumps } from './clock-jumps.ts';

testTier(clockJumps, 'a wall clock that jumps by days ends no sleep too early, and holds up none');
