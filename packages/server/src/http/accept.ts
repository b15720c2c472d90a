import type { NewEvent } from "../core/event.ts";
import type { Invocation } from "../core/invocation.ts";
import type { Appended } from "../log/log.ts";
import type { AppDeps, Call } from "./route.ts";

/** What the client is told of one event. */
export interface Acceptance {
  /** Every delivery of it has ended; only known where somebody waited. */
  readonly finished: boolean;
  readonly json: string;
}

/** Appends events, all or none; with `waitMs`, waits until they have run or that time is over. */
export async function accept(
  events: readonly NewEvent[],
  waitMs: number | undefined,
  { call, deps }: { readonly call: Call; readonly deps: AppDeps },
): Promise<readonly Acceptance[]> {
  if (events.length === 0) return [];
  if (waitMs !== undefined) return acceptAndWait(events, waitMs, { call, deps });
  const { meter } = deps.telemetry;
  const begun = performance.now();
  const appended = await deps.log.append(events);
  meter.appendDuration(performance.now() - begun);
  return appended.map((one, index) => {
    meter.eventAccepted("http", one.status);
    return { finished: false, json: acceptedJson(events[index]!, one, call.trace.traceId) };
  });
}

async function acceptAndWait(
  events: readonly NewEvent[],
  waitMs: number,
  { call, deps }: { readonly call: Call; readonly deps: AppDeps },
): Promise<readonly Acceptance[]> {
  const signal = AbortSignal.any([call.request.signal, AbortSignal.timeout(waitMs)]);
  const waited = await deps.dispatch.appendAndWait(events, signal);
  return waited.map(({ appended, complete, invocations }, index) => {
    deps.telemetry.meter.eventAccepted("http", appended.status);
    return {
      finished: complete,
      json: acceptedJson(
        events[index]!,
        appended,
        call.trace.traceId,
        isShown(appended, call) ? invocations : undefined,
      ),
    };
  });
}

/**
 * The runs of what the caller sent are the caller's to see. Those of a duplicate may be of somebody else's
 * event, of which the caller knows no more than source and id.
 */
function isShown({ status }: Appended, { caller }: Call): boolean {
  return status === "accepted" || caller.may("read");
}

// By hand: the busiest answer of all.
export function acceptedJson(
  { event }: NewEvent,
  { status, position }: Appended,
  traceId: string,
  invocations?: readonly Invocation[],
): string {
  const runs = invocations === undefined ? "" : `,"invocations":${JSON.stringify(invocations)}`;
  return `{"event_id":${JSON.stringify(event.id)},"type":${JSON.stringify(event.type)},"status":"${status}","position":${position},"trace_id":"${traceId}"${runs}}`;
}
