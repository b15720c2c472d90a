// The peers' packages are large (workerd alone has 120 MB), and only this bench needs them: they are
// installed apart, into bench/peers, when somebody wants to compare.
import { createRequire } from "node:module";
import { join } from "node:path";
import { ROOT } from "../processes.ts";

export const INSTALL = "npm run bench:peers";

const require = createRequire(join(ROOT, "bench/peers/package.json"));

export function installed(name: string): boolean {
  try {
    require.resolve(name);
    return true;
  } catch {
    return false;
  }
}

/** What the package exports. Untyped: the type check must not need what is not installed. */
export function peer(name: string): unknown {
  return require(name);
}
