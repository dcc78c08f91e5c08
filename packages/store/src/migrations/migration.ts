/** A step of the schema, forward only. The version before must be able to live with what it leaves. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  /** Statements with `{int}` and `{bytes}` for the words of the dialect. */
  readonly statements: readonly string[];
}

export interface Dialect {
  readonly int: string;
  readonly bytes: string;
  /** What follows the closing parenthesis of a table. */
  readonly tableSuffix: string;
}

export const SQLITE: Dialect = { int: 'INTEGER', bytes: 'BLOB', tableSuffix: ' STRICT' };

/** The statements of a migration in the words of a dialect. */
export const render = (migration: Migration, dialect: Dialect): readonly string[] =>
  migration.statements.map((statement) => {
    const worded = statement.replaceAll('{int}', dialect.int).replaceAll('{bytes}', dialect.bytes);
    return worded.startsWith('CREATE TABLE') ? worded + dialect.tableSuffix : worded;
  });
