/** A cell of a table: pipes would end it, line breaks would end the row. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** A Markdown table. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(titles), line(titles.map(() => '---')), ...rows.map(line)].join('\n');
}

export const code = (text: string): string => `\`${text}\``;

/** A page of the reference: its title, what it is made from, and its parts with an empty line between them. */
export const page = (title: string, source: string, parts: readonly string[]): string =>
  `${[`# ${title}`, `Made by \`npm run docs\` from ${source}. Change it there.`, ...parts].join('\n\n')}\n`;
