import { json, type Operation } from "../operation.ts";
import { readQuery } from "../query.ts";
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
        readQuery(request.query, []);
        return reading(await dispatch.rerun(params["invocation_id"]!));
      },
    },
  ];
}

const REPLAY: Operation = {
  id: "replayInvocation",
  tag: "Invocations",
  summary: "Run an invocation again from its recording, without effects",
  description:
    "On the version that it ran on, given what it was given then: clocks, random bytes, environment, event. Nothing is kept, emitted or retried; the answer says whether output, logs and effects are the same, bit for bit.",
  params: { invocation_id: "The invocation's id." },
  answers: {
    200: { description: "What was recorded, beside what came of it now.", content: json("Rerun") },
  },
  problems: [
    ...(["INVOCATION_NOT_FOUND", "RECORDING_NOT_FOUND", "RECORDING_INVALID"] as const),
    ...(["EVENT_NOT_FOUND", "VERSION_NOT_FOUND", "REQUEST_INVALID"] as const),
    ...(["LOG_UNAVAILABLE", "SHUTTING_DOWN"] as const),
  ],
};
