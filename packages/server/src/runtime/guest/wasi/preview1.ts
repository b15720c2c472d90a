import type { CallName } from "../../calls.ts";
import type { GuestContext } from "../context.ts";
import { hostCall } from "../host-call.ts";
import { clockFunctions } from "./clock.ts";
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

/** All of WASI preview 1 over a context; bound once for all runs of the context. */
export function preview1(context: GuestContext): Record<string, (...args: never[]) => unknown> {
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
    Object.entries<(...args: never[]) => void | Promise<void>>({ ...families }).map(
      ([name, run]) => [name, hostCall(context, name as CallName, run)],
    ),
  );
}
