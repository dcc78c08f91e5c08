import { expectHistories } from './expect-histories.ts';

expectHistories(7_501, 2_500);
