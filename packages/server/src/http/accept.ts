/**
 * Whether a request would rather have one media type than another: it names the one itself, and wants the other less.
 * Whoever names neither, or both alike, gets the other.
 *
 * @spec RFC 9110 §12.4.2, §12.5.1
 */
export function prefers(accept: string | null, wanted: string, over: string): boolean {
  const ranges = (accept ?? '').toLowerCase().split(',').map(rangeOf);
  const weightOf = (types: readonly string[]): number | undefined => {
    const weights = types.map((type) => ranges.find((range) => range.type === type)?.weight);
    return weights.find((weight) => weight !== undefined);
  };
  const weight = weightOf([wanted]) ?? 0;
  return weight > 0 && weight > (weightOf([over, `${over.split('/', 1)[0]}/*`, '*/*']) ?? 0);
}

/** One media range and its weight; one whose weight cannot be read weighs nothing. */
function rangeOf(text: string): { readonly type: string; readonly weight: number } {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim());
  const given = parameters.find((parameter) => /^q\s*=/.test(parameter));
  if (given === undefined) return { type, weight: 1 };
  const [, weight] = /^q=([01](?:\.\d{0,3})?)$/.exec(given) ?? [];
  return { type, weight: Math.min(1, Number(weight ?? 0)) };
}
