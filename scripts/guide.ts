// What tests read of the guides: fenced blocks, tables, links and headings of a Markdown page.

export interface Block {
  /** The first word behind the fence: how the block is coloured. */
  readonly language: string;
  /** The words after it, which no reader of the finished page sees: what a test is to know. */
  readonly marks: readonly string[];
  readonly text: string;
  /** Whether it follows the block before it without a word between. */
  readonly adjacent: boolean;
  /** The line of its first line of text, from 1. */
  readonly line: number;
}

/** The fenced blocks of a page, in its order. */
export function blocksOf(page: string): readonly Block[] {
  let end = 0;
  return [...page.matchAll(/^```(\w+)([^\n]*)\n([^]*?)^```$/gm)].map((match) => {
    const [whole, language, marks, text] = match;
    const before = page.slice(0, match.index);
    const adjacent = page.slice(end, match.index).trim() === "";
    end = match.index + whole.length;
    return {
      language: language!,
      marks: marks!.split(" ").filter((mark) => mark !== ""),
      text: text!,
      adjacent,
      line: before.split("\n").length + 1,
    };
  });
}

export interface Link {
  readonly target: string;
  readonly anchor: string | undefined;
}

/** The links of a page that lead into this repository; `target` is empty for the page itself. */
export function linksOf(page: string): readonly Link[] {
  return [...withoutBlocks(page).matchAll(/\]\(([^)\s]*)\)/g)]
    .map(([, link]) => link!)
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => {
      const [target, anchor] = link.split("#", 2);
      return { target: target!, anchor };
    });
}

/** The anchors that a page's headings make, as GitHub names them. */
export function anchorsOf(page: string): ReadonlySet<string> {
  return new Set(
    [...withoutBlocks(page).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

/** The cells of every row of the tables of a page, without the rows of dashes. */
export function rowsOf(page: string): readonly (readonly string[])[] {
  return withoutBlocks(page)
    .split("\n")
    .filter((line) => line.startsWith("|") && !/^[|\s:-]+$/.test(line))
    .map((line) =>
      line
        .slice(1, line.lastIndexOf("|"))
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll("\\|", "|")),
    );
}

/** The inline code of a text; in a table a `|` in it is written `\|`. */
export function codeIn(text: string): readonly string[] {
  return [...withoutBlocks(text).matchAll(/(`+)(.+?)\1/g)].map(([, , code]) =>
    code!.trim().replaceAll("\\|", "|"),
  );
}

function withoutBlocks(page: string): string {
  return page.replaceAll(/^```[^]*?^```$/gm, "");
}

/**
 * The commands of a shell block, each in one line: of what is shown with prompts, those behind `$ `
 * alone; without comments, and with lines that end in a backslash joined.
 */
export function commandsOf({ language, text }: Block): readonly string[] {
  const lines = text.replaceAll(/\\\n\s*/g, "").split("\n");
  const typed =
    language === "console"
      ? lines.filter((line) => line.startsWith("$ ")).map((line) => line.slice(2))
      : lines;
  return typed.map((line) => line.replace(/(^|\s)#\s.*$/, "").trim()).filter((line) => line !== "");
}
