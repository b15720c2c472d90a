import { NexusError } from "../../core/errors.ts";
import type { Against } from "../../core/replay-job.ts";
import { readJson } from "../../core/strict-json.ts";
import type { WhatIf } from "../../core/what-if.ts";
import type { HttpRequest } from "../http.ts";
import { json, type Operation } from "../operation.ts";
import { type Query, readQuery } from "../query.ts";
import { reading } from "../reply.ts";
import type { AppDeps, Route } from "../route.ts";
import { schemas } from "../schemas.ts";

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
        const options = { against: againstIn(query), whatIf: await whatIfIn(request) };
        return reading(await dispatch.rerun(params["invocation_id"]!, options));
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

/** Undefined: it is given what it was given. */
async function whatIfIn(request: HttpRequest): Promise<WhatIf | undefined> {
  const body = await request.body(MAX_WHAT_IF_BYTES);
  if (body.length === 0) return undefined;
  const parsed = schemas.WhatIf.safeParse(readJson(body, "changes").value);
  // Where nothing is changed it is held to its recording, strictly.
  if (parsed.success) return Object.keys(parsed.data).length === 0 ? undefined : parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new NexusError(
    "REQUEST_INVALID",
    `Cannot read changes: ${path.length === 0 ? "" : `"${path.join(".")}": `}${message}`,
  );
}

const MAX_WHAT_IF_BYTES = 1024 * 1024;

const REPLAY: Operation = {
  id: "replayInvocation",
  tag: "Invocations",
  summary: "Run an invocation again from its recording, without effects",
  description:
    "On the version that it ran on, or on another, given what it was given then: clocks, random bytes, environment, event. Nothing is kept, emitted or retried; the answer says whether output, logs and effects are the same, bit for bit. With a body, something of what it is given is changed.",
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
  body: { required: false, content: json("WhatIf") },
  answers: {
    200: { description: "What was recorded, beside what came of it now.", content: json("Rerun") },
  },
  problems: [
    ...(["INVOCATION_NOT_FOUND", "RECORDING_NOT_FOUND", "RECORDING_INVALID"] as const),
    ...(["EVENT_NOT_FOUND", "VERSION_NOT_FOUND", "REQUEST_INVALID"] as const),
    ...(["EVENT_INVALID", "EVENT_TOO_LARGE", "BODY_INVALID"] as const),
    ...(["CANDIDATE_INVALID", "LOG_UNAVAILABLE", "SHUTTING_DOWN"] as const),
  ],
};
