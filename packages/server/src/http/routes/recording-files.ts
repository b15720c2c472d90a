import { encodeRecordingFile, RECORDING_TYPE } from "../../core/recording-file.ts";
import type { Operation } from "../operation.ts";
import { choice, readQuery } from "../query.ts";
import type { AppDeps, Route } from "../route.ts";

/** Recordings that leave the log. */
export function recordingFileRoutes({ dispatch }: AppDeps): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/invocations/:invocation_id/recording",
      scope: "admin",
      operation: EXPORT,
      async handle({ request, params }) {
        const query = readQuery(request.query, Object.keys(EXPORT.query!));
        const withModule = choice("with_module", query["with_module"], ["true", "false"]);
        const id = params["invocation_id"]!;
        const file = await dispatch.recordingFile(id, { withModule: withModule === "true" });
        return {
          status: 200,
          headers: {
            "content-type": RECORDING_TYPE,
            "content-disposition": `attachment; filename="${file.invocation.id}.nxr"`,
            "cache-control": "no-store",
          },
          body: encodeRecordingFile(file),
        };
      },
    },
  ];
}

const EXPORT: Operation = {
  id: "exportRecording",
  tag: "Invocations",
  summary: "Get an invocation's recording as a file that travels",
  description:
    "All it takes to run the invocation again on another machine: its event, its record, what it was given, and its version; the module by its hash, or itself. Redacted as the function says. docs/recordings.md has the format.",
  params: { invocation_id: "The invocation's id." },
  query: {
    with_module: {
      description: "`true`: with the module and what was mounted, so that nothing else is needed.",
      schema: { type: "boolean", default: false },
    },
  },
  answers: {
    200: {
      description: "The file.",
      content: { [RECORDING_TYPE]: {} },
      headers: { "content-disposition": "With the file's name, `<id>.nxr`." },
    },
  },
  problems: [
    ...(["INVOCATION_NOT_FOUND", "RECORDING_NOT_FOUND", "RECORDING_INVALID"] as const),
    ...(["EVENT_NOT_FOUND", "VERSION_NOT_FOUND", "REQUEST_INVALID"] as const),
    ...(["DATA_DIR_UNUSABLE", "LOG_UNAVAILABLE"] as const),
  ],
};
