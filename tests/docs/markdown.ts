/** A fenced block of a guide: its language, what its info string says beside it, and its text. */
export interface Block {
  readonly language: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
  readonly line: number;
}

/** The fenced blocks of a Markdown text, in order. Attributes are written `name=value` after the language. */
export function blocksOf(markdown: string): readonly Block[] {
  const blocks: Block[] = [];
  const lines = markdown.split('\n');
  for (let index = 0; index < lines.length; index++) {
    const open = /^```(\w+)?\s*(.*)$/.exec(lines[index] ?? '');
    if (open === null) continue;
    const line = index + 1;
    const text: string[] = [];
    for (index += 1; index < lines.length && lines[index] !== '```'; index++) text.push(lines[index] ?? '');
    const attributes = Object.fromEntries([...(open[2] ?? '').matchAll(/(\w+)=(\S+)/g)].map(([, k, v]) => [k, v]));
    blocks.push({ language: open[1] ?? '', attributes, text: text.join('\n'), line });
  }
  return blocks;
}
