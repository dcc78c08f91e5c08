/** The status lists, signed, for whoever verifies tokens without following the feed. */
export interface StatusLists {
  /** The token of a list; undefined where no token names it. */
  token(list: number): Promise<string | undefined>;
}
