/** A status list, and how many of its indexes were taken. */
export interface StatusListRow {
  readonly number: number;
  readonly taken: number;
}
