import { expectHistories } from './expect-histories.ts';

expectHistories(5_001, 2_500);
