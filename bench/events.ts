// Events of a kilobyte, and work done by so many at a time.
import { createEvent } from "@nexus-functions/server/core/cloudevents";
import type { NewEvent } from "@nexus-functions/server/core/event";
import { uuidv7 } from "@nexus-functions/server/core/ids";
import { childTrace, formatTraceparent } from "@nexus-functions/server/core/trace";

const DATA = JSON.stringify({ text: "x".repeat(1000) });
const TRACEPARENT = formatTraceparent(childTrace());

export function benchEvent(): NewEvent {
  const event = createEvent(
    {
      id: uuidv7(Date.now()),
      source: "/bench",
      type: `bench.type-${Math.floor(Math.random() * 20)}`,
      time: new Date().toISOString(),
      datacontenttype: "application/json",
    },
    { kind: "json", text: DATA },
  );
  return { event, meta: { traceparent: TRACEPARENT, depth: 0 } };
}

/** Operations a second with so many writers at the same time. */
export async function rate(
  writers: number,
  count: number,
  work: () => Promise<unknown>,
): Promise<number> {
  let started = 0;
  const begun = performance.now();
  const writer = async () => {
    while (started < count) {
      started += 1;
      await work();
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
  return count / ((performance.now() - begun) / 1000);
}
