// Figures beside their limits, each from the same run: medians of rounds, and ratios.

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it is measured against, in the same run. */
  readonly limit?: number;
  readonly limitName?: string;
  /** The ratio (or the value, where there is no limit) we aim at. */
  readonly aim?: { readonly atLeast: number } | { readonly atMost: number };
  readonly note?: string;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Of a figure with a limit the ratio, else the value itself. */
export function measured(figure: Figure): number {
  return figure.limit === undefined ? figure.value : figure.value / figure.limit;
}

export function reached(figure: Figure): boolean | undefined {
  if (figure.aim === undefined) return undefined;
  const value = measured(figure);
  return "atLeast" in figure.aim ? value >= figure.aim.atLeast : value <= figure.aim.atMost;
}

export function table(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.name,
    `${number(figure.value)} ${figure.unit}`,
    figure.limit === undefined ? "" : `${number(figure.limit)} (${figure.limitName ?? "limit"})`,
    figure.limit === undefined ? "" : measured(figure).toFixed(2),
    aim(figure),
    figure.note ?? "",
  ]);
  const all = [["figure", "measured", "beside", "ratio", "aim", ""], ...rows];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function aim(figure: Figure): string {
  if (figure.aim === undefined) return "";
  const text = "atLeast" in figure.aim ? `≥ ${figure.aim.atLeast}` : `≤ ${figure.aim.atMost}`;
  return `${text} ${reached(figure) === true ? "reached" : "missed"}`;
}

function number(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString("en");
  return value >= 10 ? value.toFixed(1) : value.toFixed(3);
}
