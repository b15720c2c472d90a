import type { EventLog } from "../log.ts";
import { testState } from "../testing/state.ts";
import { memoryState } from "./memory-state.ts";

// The suite is one for logs, and asks this one for its state alone.
testState(
  async () => {
    let clock = Date.now;
    const state = memoryState(() => clock());
    const log = {
      state,
      async trim() {
        await state.list("fn:orders", { limit: 1 }); // what is looked at and over is gone
        return { events: 0, invocations: 0 };
      },
      async [Symbol.asyncDispose]() {},
    };
    return {
      async open(now) {
        clock = now ?? clock;
        return log as unknown as EventLog;
      },
      async [Symbol.asyncDispose]() {},
    };
  },
  { nodes: 2, stores: 20, neverClosed: "it lives as long as whoever has it" },
);
