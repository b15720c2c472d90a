/** ` (did you mean "timeout"?)` where one of `known` is close to `word`; else the empty string. */
export function didYouMean(word: string, known: readonly string[]): string {
  const best = nearest(word, known);
  return best === undefined ? "" : ` (did you mean "${best}"?)`;
}

function nearest(word: string, known: readonly string[]): string | undefined {
  const wanted = fold(word);
  if (wanted === "" || wanted.length > LONGEST_WORD) return undefined;
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of known) {
    const distance = editDistance(wanted, fold(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  // A third of the letters may be wrong: "tiemout" is timeout, "port" is nothing we know.
  return bestDistance <= Math.max(1, Math.floor(wanted.length / 3)) ? best : undefined;
}

const LONGEST_WORD = 64;

// `orderBy`, `order-by` and `order_by` are one word to a reader.
function fold(word: string): string {
  return word.toLowerCase().replaceAll(/[-_ ]/g, "");
}

// Optimal string alignment: insertions, deletions, replacements and swaps of neighbours.
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, beforeLast[j - 2]! + 1);
      }
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
