import { NexusError } from "../../core/errors.ts";
import { REPLAY_LIMIT, type ReplayRequest } from "../../core/replay-job.ts";
import { readJson } from "../../core/strict-json.ts";
import type { Replays } from "../../dispatch/dispatch.ts";
import type { HttpRequest } from "../http.ts";
import { json, type Operation } from "../operation.ts";
import { moment, readQuery } from "../query.ts";
import { NewReplay } from "../replay-schemas.ts";
import { reading } from "../reply.ts";
import type { AppDeps, Route } from "../route.ts";
import { sseMessage, sseReply } from "../sse.ts";

/** Of the body of POST /replays: a thousand ids of events have room in it. */
const MAX_REQUEST_BYTES = 2 * 1024 * 1024;
const MAX_MODULE_BYTES = 64 * 1024 * 1024;

/** Jobs that make past runs again on a candidate. */
export function replayRoutes({ dispatch, now }: AppDeps): readonly Route[] {
  return [
    {
      method: "POST",
      path: "/replays",
      scope: "admin",
      operation: CREATE,
      async handle({ request }) {
        readQuery(request.query, []);
        return reading(await dispatch.replays.create(await requestIn(request, now())), 201);
      },
    },
    {
      method: "POST",
      path: "/replays/preview",
      scope: "admin",
      operation: PREVIEW,
      async handle({ request }) {
        readQuery(request.query, []);
        return reading(await dispatch.replays.preview(await requestIn(request, now())));
      },
    },
    {
      method: "GET",
      path: "/replays",
      scope: "read",
      operation: LIST,
      async handle({ request }) {
        readQuery(request.query, []);
        return reading({ replays: await dispatch.replays.list() });
      },
    },
    {
      method: "POST",
      path: "/replays/modules",
      scope: "admin",
      operation: KEEP_MODULE,
      async handle({ request }) {
        readQuery(request.query, []);
        const module_sha256 = await dispatch.replays.keepModule(await moduleIn(request));
        return reading({ module_sha256 }, 201);
      },
    },
    {
      method: "GET",
      path: "/functions/:function/versions",
      scope: "read",
      operation: VERSIONS,
      async handle({ request, params }) {
        readQuery(request.query, []);
        const versions = await dispatch.replays.versions(params["function"]!);
        return reading({
          versions: versions.map(({ version, moduleSha256, keptAt }) => ({
            version,
            module_sha256: moduleSha256,
            kept_at: new Date(keptAt).toISOString(),
          })),
        });
      },
    },
    {
      method: "GET",
      path: "/replays/:replay_id",
      scope: "read",
      operation: GET,
      async handle({ request, params }) {
        readQuery(request.query, []);
        const id = params["replay_id"]!;
        const [job, report] = [await dispatch.replays.get(id), await dispatch.replays.report(id)];
        return reading({ ...job, report });
      },
    },
    {
      method: "GET",
      path: "/replays/:replay_id/progress",
      scope: "read",
      operation: PROGRESS,
      async handle({ request, params }) {
        readQuery(request.query, []);
        const id = params["replay_id"]!;
        await dispatch.replays.get(id);
        return sseReply((signal) => progress(dispatch.replays, id, signal), request.signal);
      },
    },
    {
      method: "POST",
      path: "/replays/:replay_id/cancel",
      scope: "admin",
      operation: CANCEL,
      async handle({ request, params }) {
        readQuery(request.query, []);
        return reading(await dispatch.replays.cancel(params["replay_id"]!));
      },
    },
  ];
}

async function requestIn(request: HttpRequest, now: Date): Promise<ReplayRequest> {
  const { value } = readJson(await request.body(MAX_REQUEST_BYTES), "replay");
  const parsed = NewReplay.safeParse(value);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new NexusError(
      "REQUEST_INVALID",
      `Cannot read replay: ${path.length === 0 ? "" : `"${path.join(".")}": `}${message}`,
    );
  }
  const { function: name, against, since, until, type, status, event_ids, rate } = parsed.data;
  const { sample = 1, limit = REPLAY_LIMIT.usual, concurrency = 1 } = parsed.data;
  const sinceMs = moment("since", since, now);
  const untilMs = moment("until", until, now) ?? now.getTime();
  return {
    function: name,
    against,
    sample,
    limit,
    concurrency,
    since: sinceMs === undefined ? null : new Date(sinceMs).toISOString(),
    until: new Date(untilMs).toISOString(),
    type: type ?? null,
    status: status ?? null,
    event_ids: event_ids ?? null,
    rate: rate ?? null,
  };
}

async function moduleIn(request: HttpRequest): Promise<Uint8Array> {
  try {
    return await request.body(MAX_MODULE_BYTES);
  } catch (cause) {
    if (!(cause instanceof NexusError) || cause.code !== "EVENT_TOO_LARGE") throw cause;
    throw new NexusError(
      "CANDIDATE_INVALID",
      `Cannot keep module: it is larger than ${MAX_MODULE_BYTES / 1024 / 1024} MiB`,
      { cause },
    );
  }
}

async function* progress(
  replays: Replays,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  for await (const job of replays.follow(id, signal)) {
    yield sseMessage("replay", JSON.stringify(job));
  }
}

const ID = { replay_id: "The replay's id." };
const ONE = ["REPLAY_NOT_FOUND", "REQUEST_INVALID", "LOG_UNAVAILABLE"] as const;

const CREATE: Operation = {
  id: "createReplay",
  tag: "Replays",
  summary: "Make past runs again on a candidate, and compare",
  description:
    "As a job that goes on after a restart. Each recorded run is given what it was given then; what it does to the world is suppressed and compared. With `live` the events run on the version in service instead, with real effects, marked as replays and with the idempotency keys that they had. Chosen are the last attempts of deliveries; they run in the order of their events.",
  body: { required: true, content: json("NewReplay") },
  answers: { 201: { description: "The job, which waits for its turn.", content: json("Replay") } },
  problems: [
    ...(["REQUEST_INVALID", "BODY_INVALID", "EVENT_TOO_LARGE", "VERSION_NOT_FOUND"] as const),
    ...(["CANDIDATE_INVALID", "FUNCTION_NOT_FOUND", "OVERLOADED"] as const),
    ...(["LOG_UNAVAILABLE", "LOG_FULL", "SHUTTING_DOWN"] as const),
  ],
};

const PREVIEW: Operation = {
  id: "previewReplay",
  tag: "Replays",
  summary: "What a replay would choose",
  description:
    "How many runs, and what they did to the world then: with `live` they would do it again.",
  body: { required: true, content: json("NewReplay") },
  answers: { 200: { description: "Nothing has run.", content: json("ReplayPreview") } },
  problems: [
    ...(["REQUEST_INVALID", "BODY_INVALID", "EVENT_TOO_LARGE", "VERSION_NOT_FOUND"] as const),
    ...(["CANDIDATE_INVALID", "FUNCTION_NOT_FOUND", "LOG_UNAVAILABLE", "SHUTTING_DOWN"] as const),
  ],
};

const LIST: Operation = {
  id: "listReplays",
  tag: "Replays",
  summary: "List replays, newest first",
  description: "Those that have ended are kept for a week.",
  answers: { 200: { description: "All of them.", content: json("ReplayList") } },
  problems: ["REQUEST_INVALID", "LOG_UNAVAILABLE"],
};

const KEEP_MODULE: Operation = {
  id: "keepReplayModule",
  tag: "Replays",
  summary: "Send a module to make past runs again on",
  description: "It is kept under its sha256, and serves nothing.",
  body: { required: true, content: { "application/wasm": {} } },
  answers: { 201: { description: "Its name.", content: json("ReplayModule") } },
  problems: [
    ...(["CANDIDATE_INVALID", "BODY_INVALID", "REQUEST_INVALID"] as const),
    ...(["DATA_DIR_UNUSABLE", "LOG_FULL"] as const),
  ],
};

const VERSIONS: Operation = {
  id: "listVersions",
  tag: "Replays",
  summary: "List the versions of a function that runs can be made again on",
  description: "Those that were served by this server, in the order in which they were first.",
  params: { function: "The function's name." },
  answers: { 200: { description: "All of them.", content: json("VersionList") } },
  problems: ["REQUEST_INVALID", "DATA_DIR_UNUSABLE"],
};

const GET: Operation = {
  id: "getReplay",
  tag: "Replays",
  summary: "Get one replay with its report",
  params: ID,
  answers: {
    200: {
      description: "The job, and what came of the runs made so far.",
      content: json("ReplayWithReport"),
    },
  },
  problems: [...ONE, "UNSUPPORTED"],
};

const PROGRESS: Operation = {
  id: "followReplay",
  tag: "Replays",
  summary: "Follow a replay (server-sent events)",
  description: "`replay`: the job, each time it has changed. The stream ends when the job has.",
  params: ID,
  answers: { 200: { description: "The stream.", content: { "text/event-stream": {} } } },
  problems: ONE,
};

const CANCEL: Operation = {
  id: "cancelReplay",
  tag: "Replays",
  summary: "End a replay",
  description:
    "It ends soon, and its report has what was done until then. One that has ended stays as it is.",
  params: ID,
  answers: { 200: { description: "The job.", content: json("Replay") } },
  problems: [...ONE, "LOG_FULL"],
};
