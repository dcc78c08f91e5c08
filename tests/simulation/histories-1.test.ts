import { expectHistories } from './expect-histories.ts';

expectHistories(1, 2_500);
