import { testTier } from '../tier.fixture.ts';
import { powerCuts } from './power-cuts.ts';

testTier(powerCuts, 'on a disk that was cut off all is there that was acknowledged');
