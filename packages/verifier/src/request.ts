/** A request as every framework can show it. */
export interface RequestLike {
  readonly method: string;
  /** A header by its name in lower case; several of one name joined with a comma. */
  readonly header: (name: string) => string | undefined;
}
