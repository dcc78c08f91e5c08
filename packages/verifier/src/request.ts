/** A request as every framework can show it. */
export interface RequestLike {
  readonly method: string;
  /** A header by its name in lower case; several of one name joined with a comma. */
  readonly header: (name: string) => string | undefined;
  /** The address that the request came from, as far as the framework trusts whoever tells it. */
  readonly address?: string | undefined;
}
