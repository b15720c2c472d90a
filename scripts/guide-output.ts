// What a command printed beside what a guide shows of it.

/** The ids that a run makes anew. */
export const ID = /(?:dl_)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** Without what differs from run to run: ids, versions, times, sizes; and without alignment. */
export function masked(text: string): string {
  return tidy(text)
    .replaceAll(ID, "ID")
    .replaceAll(/\b[0-9a-f]{32}(?:-1)?\b/g, "ID")
    .replaceAll(/\b[0-9a-f]{16}\b|\b[0-9a-f]{12}\b/g, "HEX")
    .replaceAll(
      /\d{4}-\d\d-\d\dT[\d:.]+Z|\d\d:\d\d:\d\d\.\d{3}|\w{3}, \d\d \w{3} [\d: ]+GMT/g,
      "TIME",
    )
    .replaceAll(/[\d.]+ m?s\b|\bnow$|\d+s ago|again in \d+s/gm, "SOON")
    .replaceAll(/\d[\d.,]* [KMG]iB\b/g, "SIZE")
    .replaceAll(/ [^:\n]*…/g, " …")
    .replaceAll(/ +/g, " ");
}

/** Without empty lines in front, and white space at the end. */
export function tidy(text: string): string {
  return `${text.replaceAll(/^\s*\n|\s+$/g, "")}\n`;
}
