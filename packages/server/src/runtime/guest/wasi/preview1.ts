import type { GuestContext } from "../context.ts";
import { clockFunctions } from "./clock.ts";
import { ERRNO, WasiError } from "../../errno.ts";
import { streamingFunctions } from "./fd.ts";
import { directoryFunctions } from "./directory.ts";
import type { Wasi } from "./functions.ts";
import { pathFunctions } from "./path.ts";
import { pollFunctions } from "./poll.ts";
import { processFunctions } from "./process.ts";
import { randomFunctions } from "./random.ts";
import { socketFunctions } from "./sock.ts";
import { factFunctions } from "./stat.ts";
import { stringFunctions } from "./strings.ts";

/** All of WASI preview 1 over a context; bound once for all runs of a worker. */
export function preview1(context: GuestContext): Record<string, (...args: never[]) => number> {
  const families: Wasi = {
    ...stringFunctions(context),
    ...clockFunctions(context),
    ...streamingFunctions(context),
    ...factFunctions(context),
    ...directoryFunctions(context),
    ...pathFunctions(context),
    ...pollFunctions(context),
    ...processFunctions(context),
    ...randomFunctions(context),
    ...socketFunctions(context),
  };
  return Object.fromEntries(
    Object.entries<(...args: never[]) => void>({ ...families }).map(([name, run]) => [
      name,
      answeringErrno(run),
    ]),
  );
}

/** The call as the guest makes it: a code comes back, and nothing of ours is ever thrown through it. */
export function answeringErrno<A extends readonly unknown[]>(
  run: (...args: A) => void,
): (...args: A) => number {
  return (...args) => {
    try {
      run(...args);
      return ERRNO.success;
    } catch (error) {
      if (error instanceof WasiError) return error.errno;
      throw error;
    }
  };
}
