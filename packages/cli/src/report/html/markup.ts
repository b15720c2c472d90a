import { visible } from "../../text.ts";

/** Markup that may stand in a page as it is. Made by `markup` and `trusted` only. */
export interface Markup {
  readonly markup: string;
}

type Value = string | number | Markup | readonly Markup[];

/**
 * A piece of a page. Texts put into it are escaped, and what steers a terminal or turns the reading
 * direction is shown instead: nothing that a function wrote becomes markup.
 */
// Not called `html`: the formatter would close what a piece leaves open.
export function markup(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  const parts = values.map((value, index) => markupOf(value) + strings[index + 1]!);
  return { markup: strings[0]! + parts.join("") };
}

/** Markup from elsewhere that has no text of others in it. */
export function trusted(markup: string): Markup {
  return { markup };
}

export const NOTHING: Markup = { markup: "" };
export const LINE_END: Markup = { markup: "\n" };

function markupOf(value: Value): string {
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return escaped(value);
  if ("markup" in value) return value.markup;
  return value.map(({ markup }) => markup).join("");
}

function escaped(text: string): string {
  return visible(text.toWellFormed()).replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
