/**
 * What the changelog says of the version that the tag names, without the heading. Throws where it says nothing: a
 * release without notes is one that somebody forgot to write down.
 */
export function releaseNotes(changelog: string, tag: string): string {
  const version = tag.replace(/^v/, "");
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((text) => headingVersion(text) === version);
  if (section === undefined) {
    const known = sections.map(headingVersion).join(", ");
    throw new Error(
      `Cannot find the notes of "${tag}": CHANGELOG.md has ${known || "no section"}; ` +
        `name one "## ${version}"`,
    );
  }
  const notes = section.slice(section.indexOf("\n") + 1).trim();
  if (notes === "") throw new Error(`Cannot find the notes of "${tag}": its section is empty`);
  return notes;
}

// "1.2.3", "[1.2.3]" and "1.2.3 - 2026-11-25" are all headings of Keep a Changelog.
function headingVersion(section: string): string {
  const [heading = ""] = section.split("\n", 1);
  return heading
    .trim()
    .replace(/^\[(.*?)\]/, "$1")
    .split(" ", 1)[0]!;
}
