import { testTier } from '../tier.fixture.ts';
import { upgrades } from './upgrades.ts';

testTier(
  upgrades,
  'after an upgrade that is killed, or meets a failing disk, at any call, the journal opens and nothing of it is lost',
);
