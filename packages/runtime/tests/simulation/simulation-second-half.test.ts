import { simulateShare } from './simulation.fixture.ts';

simulateShare(1, 2);
