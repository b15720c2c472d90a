import { fitEnd, fitMiddle, widthOf } from "./text.ts";

export interface Column<Row> {
  readonly title: string;
  /** Plain text of one line. */
  readonly text: (row: Row) => string;
  readonly paint?: (text: string, row: Row) => string;
  readonly align?: "left" | "right";
  /** What gives way where the table is wider than the terminal; without it the column never does. */
  readonly shrink?: "end" | "middle";
}

const GAP = "  ";
const NARROWEST = 8;

/** The lines of a table, title line first, no wider than `width` where columns that shrink allow it. */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: { readonly width: number; readonly paintTitle: (text: string) => string },
): readonly string[] {
  const cells = rows.map((row) => columns.map(({ text }) => text(row)));
  const widths = columns.map((column, index) =>
    Math.max(widthOf(column.title), ...cells.map((line) => widthOf(line[index]!))),
  );
  shrink(columns, widths, options.width);
  const titles = columns.map((column, index) =>
    pad(options.paintTitle(column.title), widths[index]!, column.align),
  );
  const lines = rows.map((row, line) =>
    columns.map((column, index) => {
      const text = fit(cells[line]![index]!, widths[index]!, column.shrink);
      const painted = column.paint === undefined || text === "" ? text : column.paint(text, row);
      return pad(painted, widths[index]!, column.align);
    }),
  );
  return [titles, ...lines].map((line) => line.join(GAP).trimEnd());
}

// The widest of the columns that may shrink gives way first, until all fits or none can.
function shrink<Row>(columns: readonly Column<Row>[], widths: number[], width: number): void {
  let excess = widths.reduce((sum, one) => sum + one + GAP.length, -GAP.length) - width;
  while (excess > 0) {
    let widest = -1;
    for (const [index, { shrink, title }] of columns.entries()) {
      const least = Math.max(NARROWEST, title.length);
      if (shrink === undefined || widths[index]! <= least) continue;
      if (widest === -1 || widths[index]! > widths[widest]!) widest = index;
    }
    if (widest === -1) return;
    widths[widest] = widths[widest]! - 1;
    excess -= 1;
  }
}

function fit(text: string, width: number, how: "end" | "middle" = "end"): string {
  return how === "end" ? fitEnd(text, width) : fitMiddle(text, width);
}

function pad(text: string, width: number, align: "left" | "right" = "left"): string {
  const space = " ".repeat(Math.max(0, width - widthOf(text)));
  return align === "left" ? text + space : space + text;
}
