/** Where a line begins to differ from its counterpart; 0 where it has none. */
export function firstDifference(text: string, other = ""): number {
  const shorter = Math.min(text.length, other.length);
  let at = 0;
  while (at < shorter && text[at] === other[at]) at += 1;
  return other === "" ? 0 : at;
}

/** Characters of a cut line that stand before where it differs. */
const BEFORE = 40;

/** A line, or what of it is around the place where it differs, with how much is left out on either side. */
export function cut(text: string, differsAt: number, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const start = Math.max(0, Math.min(differsAt - BEFORE, text.length - maxLength));
  const end = start + maxLength;
  const rest = text.length - end;
  return `${start > 0 ? `… (${start} characters) ` : ""}${text.slice(start, end)}${rest > 0 ? ` … (${rest} more characters)` : ""}`;
}
