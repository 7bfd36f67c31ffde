import { testTier } from '../tier.fixture.ts';
import { kills } from './kills.ts';

testTier(kills, 'killed when its tasks have begun, the real command line goes on and does nothing again');
