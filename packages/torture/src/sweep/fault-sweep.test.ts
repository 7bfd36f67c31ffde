import { testTier } from '../tier.fixture.ts';
import { faultSweep } from './fault-sweep.ts';

testTier(
  faultSweep,
  'where the disk fails at any call, nothing acknowledged is lost or done again, and the run goes on',
);
