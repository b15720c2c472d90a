import { NexusError } from "../../core/errors.ts";
import type { Against } from "../../core/replay-job.ts";
import { json, type Operation } from "../operation.ts";
import { type Query, readQuery } from "../query.ts";
import { reading } from "../reply.ts";
import type { AppDeps, Route } from "../route.ts";

/** Runs made again from their recordings. */
export function recordingRoutes({ dispatch }: AppDeps): readonly Route[] {
  return [
    {
      method: "POST",
      path: "/invocations/:invocation_id/replay",
      scope: "admin",
      operation: REPLAY,
      async handle({ request, params }) {
        const query = readQuery(request.query, Object.keys(REPLAY.query!));
        return reading(await dispatch.rerun(params["invocation_id"]!, againstIn(query)));
      },
    },
  ];
}

/** Undefined: the version that it ran on. */
function againstIn({ against, module }: Query): Against | undefined {
  if (module !== undefined) {
    if (against === undefined) return { module_sha256: module };
    throw new NexusError(
      "REQUEST_INVALID",
      'Cannot read query: "against" and "module" exclude each other',
    );
  }
  return against === undefined ? undefined : { version: against };
}

const REPLAY: Operation = {
  id: "replayInvocation",
  tag: "Invocations",
  summary: "Run an invocation again from its recording, without effects",
  description:
    "On the version that it ran on, or on another, given what it was given then: clocks, random bytes, environment, event. Nothing is kept, emitted or retried; the answer says whether output, logs and effects are the same, bit for bit.",
  params: { invocation_id: "The invocation's id." },
  query: {
    against: {
      description:
        "On this version instead, given the same as far as it asks for the same: the sha256 of one that was served here, or 4 of its digits or more from the first.",
    },
    module: {
      description:
        "On its own version with this module instead: a sha256, as POST /replays/modules answered.",
    },
  },
  answers: {
    200: { description: "What was recorded, beside what came of it now.", content: json("Rerun") },
  },
  problems: [
    ...(["INVOCATION_NOT_FOUND", "RECORDING_NOT_FOUND", "RECORDING_INVALID"] as const),
    ...(["EVENT_NOT_FOUND", "VERSION_NOT_FOUND", "REQUEST_INVALID"] as const),
    ...(["CANDIDATE_INVALID", "LOG_UNAVAILABLE", "SHUTTING_DOWN"] as const),
  ],
};
