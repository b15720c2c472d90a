import { fitEnd, fitMiddle, widthOf } from "./text.ts";

export interface Column<Row> {
  readonly title: string;
  /** Plain text of one line. */
  readonly text: (row: Row) => string;
  readonly paint?: (text: string, row: Row) => string;
  readonly align?: "left" | "right";
  /** What gives way where the table is wider than the terminal; without it the column never does. */
  readonly shrink?: "end" | "middle";
  /** The narrowest it may become; 12 unless said. */
  readonly least?: number;
  /** Left out where shrinking is not enough: 1 goes first. Without it the column stays. */
  readonly dropOrder?: number;
}

const GAP = "  ";
const NARROWEST = 12;

/** The lines of a table, title line first, no wider than `width` where columns that give way allow it. */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: { readonly width: number; readonly paintTitle: (text: string) => string },
): readonly string[] {
  const filled = columns.map((column): Filled<Row> => {
    const cells = rows.map((row) => column.text(row));
    return { ...column, cells, width: Math.max(widthOf(column.title), ...cells.map(widthOf)) };
  });
  const shown = fitting(filled, options.width);
  const titles = shown.map(({ title, width, align }) =>
    pad(options.paintTitle(title), width, align),
  );
  const lines = rows.map((row, line) =>
    shown.map(({ cells, width, shrink, paint, align }) => {
      const text = fit(cells[line]!, width, shrink);
      return pad(paint === undefined || text === "" ? text : paint(text, row), width, align);
    }),
  );
  return [titles, ...lines].map((line) => line.join(GAP).trimEnd());
}

interface Filled<Row> extends Column<Row> {
  readonly cells: readonly string[];
  readonly width: number;
}

// First columns shrink, then they are left out one by one, until all fits or nothing more can go.
function fitting<Row>(columns: readonly Filled<Row>[], width: number): readonly Filled<Row>[] {
  const shrunk = shrink(columns, width);
  if (totalWidth(shrunk) <= width) return shrunk;
  const first = Math.min(...columns.map(({ dropOrder = Infinity }) => dropOrder));
  if (first === Infinity) return shrunk;
  return fitting(
    columns.filter(({ dropOrder }) => dropOrder !== first),
    width,
  );
}

// The widest of the columns that may shrink gives way first.
function shrink<Row>(columns: readonly Filled<Row>[], width: number): readonly Filled<Row>[] {
  const widths = columns.map((column) => column.width);
  for (let excess = totalWidth(columns) - width; excess > 0; excess -= 1) {
    let widest = -1;
    for (const [index, { shrink: how, title, least = NARROWEST }] of columns.entries()) {
      if (how === undefined || widths[index]! <= Math.max(least, title.length)) continue;
      if (widest === -1 || widths[index]! > widths[widest]!) widest = index;
    }
    if (widest === -1) break;
    widths[widest] = widths[widest]! - 1;
  }
  return columns.map((column, index) => ({ ...column, width: widths[index]! }));
}

function totalWidth<Row>(columns: readonly Filled<Row>[]): number {
  return columns.reduce((sum, { width }) => sum + width + GAP.length, -GAP.length);
}

function fit(text: string, width: number, how: "end" | "middle" = "end"): string {
  return how === "end" ? fitEnd(text, width) : fitMiddle(text, width);
}

function pad(text: string, width: number, align: "left" | "right" = "left"): string {
  const space = " ".repeat(Math.max(0, width - widthOf(text)));
  return align === "left" ? text + space : space + text;
}
