import { testTier } from '../tier.fixture.ts';
import { chaos } from './chaos.ts';

testTier(chaos, 'runs of all kinds come to their ends while programs are killed and stopped');
