import type { Output } from "./output.ts";
import { indent, visible, wrapped } from "./text.ts";

/** Names and values, aligned, long values in several lines; empty values are left out. */
export function printFields(
  out: Output,
  fields: readonly (readonly [name: string, value: string])[],
): void {
  const shown = fields.filter(([, value]) => value !== "");
  const width = Math.max(...shown.map(([name]) => name.length));
  for (const [name, value] of shown) {
    const lines = wrapped(value, out.width - width - 4).join(`\n${" ".repeat(width + 4)}`);
    out.print(`  ${out.paint("dim", name.padEnd(width))}  ${lines}`);
  }
}

/** A title, and a text of several lines under it; nothing where the text is empty. */
export function printBlock(out: Output, title: string, text: string): void {
  if (text === "") return;
  out.print();
  out.print(out.paint("bold", title));
  out.print(indent(text, "  "));
}

/** JSON with line breaks where it is JSON; else as it is. Safe to print. */
export function prettyText(text: string): string {
  try {
    return visible(JSON.stringify(JSON.parse(text), null, 2), true);
  } catch {
    return visible(text.replace(/\n$/, ""), true);
  }
}
