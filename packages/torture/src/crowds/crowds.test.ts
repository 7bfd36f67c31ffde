import { testTier } from '../tier.fixture.ts';
import { crowds } from './crowds.ts';

testTier(crowds, 'of eight command lines at once one has the run, and nothing is done twice');
