/** One hour or day, and how often in it. */
export interface ChartBin {
  readonly label: string;
  readonly allowed: number;
  readonly refused: number;
}

/** How a chart is drawn: as wide as the terminal, and of letters only where blocks may not be shown. */
export interface ChartStyle {
  readonly width: number;
  readonly isPlain: boolean;
}

/** Eighths of a column, from none to seven. */
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;
const BLOCKS = { full: '█', refused: '░', edge: '│' } as const;
const LETTERS = { full: '#', refused: 'x', edge: '|' } as const;
const BAR_MIN = 10;

const NUMBER = new Intl.NumberFormat('en-US');
/** A count as people read it. */
export const counted = (count: number): string => NUMBER.format(count);

/**
 * Draws uses as bars, one line an hour or day: what was allowed, then what was refused, all to one scale. Whatever was
 * refused at all is seen, and said in numbers beside it.
 */
export function usageChart(bins: readonly ChartBin[], { width, isPlain }: ChartStyle): readonly string[] {
  const labelWidth = Math.max(0, ...bins.map(({ label }) => label.length));
  const notes = bins.map(noteOf);
  const noteWidth = Math.max(0, ...notes.map(({ length }) => length));
  const barWidth = Math.max(BAR_MIN, width - labelWidth - noteWidth - 4);
  const most = Math.max(1, ...bins.map(({ allowed, refused }) => allowed + refused));
  const { edge } = isPlain ? LETTERS : BLOCKS;
  return bins.map((bin, index) => {
    const bar = barOf(bin, barWidth / most, isPlain);
    return `${bin.label.padEnd(labelWidth)} ${edge}${bar}${bar === '' ? '' : ' '}${notes[index] ?? ''}`.trimEnd();
  });
}

function noteOf({ allowed, refused }: ChartBin): string {
  if (allowed + refused === 0) return '';
  return refused === 0 ? counted(allowed) : `${counted(allowed)}, ${counted(refused)} refused`;
}

function barOf({ allowed, refused }: ChartBin, scale: number, isPlain: boolean): string {
  const refusedColumns = refused === 0 ? 0 : Math.max(1, Math.round(refused * scale));
  const columns = Math.max(0, Math.min(allowed * scale, (allowed + refused) * scale - refusedColumns));
  if (isPlain) {
    const whole = allowed === 0 ? 0 : Math.max(1, Math.round(columns));
    return LETTERS.full.repeat(whole) + LETTERS.refused.repeat(refusedColumns);
  }
  const eighths = allowed === 0 ? 0 : Math.max(1, Math.round(columns * 8));
  const part = EIGHTHS[eighths % 8] ?? '';
  return BLOCKS.full.repeat(Math.floor(eighths / 8)) + part + BLOCKS.refused.repeat(refusedColumns);
}
