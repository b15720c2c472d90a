interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly version?: string; readonly link?: boolean }>
  >;
}

/** A line of Markdown for each installed package that the newer lock file has anew, in another version or no more. */
export function lockChanges(older: Lock, newer: Lock): string[] {
  const before = versions(older);
  const after = versions(newer);
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths
    .filter((path) => before.get(path) !== after.get(path))
    .map((path) => `- \`${path}\`: ${before.get(path) ?? "none"} → ${after.get(path) ?? "none"}`);
}

function versions({ packages }: Lock): Map<string, string> {
  const found = new Map<string, string>();
  for (const [path, { version }] of Object.entries(packages)) {
    // Our own packages stand there without node_modules; a link to one has no version.
    if (!path.startsWith("node_modules/") || version === undefined) continue;
    found.set(path.slice("node_modules/".length).replaceAll("/node_modules/", " > "), version);
  }
  return found;
}
