import { simulateShare } from './simulation.fixture.ts';

simulateShare(0, 2);
