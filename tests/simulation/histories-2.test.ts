import { expectHistories } from './expect-histories.ts';

expectHistories(2_501, 2_500);
