import { blockUntil } from "./sleep.ts";
import type { Outside } from "./world.ts";

/** For runs that nothing suspends: a sleep holds the thread, and what asks the host is not among their imports. */
export const BLOCKING: Outside = {
  sleep: blockUntil,
  ask: () => {
    throw new Error("Cannot ask the host: the run cannot be suspended");
  },
};
