import type { GuestContext } from "../context.ts";
import type { Family } from "./functions.ts";

export function randomFunctions(context: GuestContext): Family<"random"> {
  return {
    random_get: (at, length) => context.world.random(context.memory.slice(at, length)),
  };
}
