import { readFileSync } from "node:fs";

/** Of this package, and of all that are released with it. */
export const VERSION = packageVersion();

function packageVersion(): string {
  const file = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(file) as { readonly version: string }).version;
}
