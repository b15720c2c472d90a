import { ERRORS, type ErrorCode } from "@nexus-functions/server/core/errors";

/** What somebody at a terminal can do about an error; undefined where its message says all. */
export function hintFor(code: ErrorCode): string | undefined {
  return code in HINTS ? HINTS[code] : ERRORS[code].help;
}

// Where the help of the code table speaks to those who meet the error over HTTP.
const HINTS: { readonly [Code in ErrorCode]?: string | undefined } = {
  BODY_INVALID: undefined,
  CONFIG_INVALID: undefined,
  CURSOR_INVALID: undefined,
  EVENT_INVALID: undefined,
  MODULE_INVALID: undefined,
  NATS_SERVER_UNUSABLE: undefined,
  REQUEST_INVALID: undefined,
  CONFIG_NOT_FOUND:
    "Start a project with `nexus new my-app`, or name the file with --config or NEXUS_CONFIG.",
  EVENT_NOT_FOUND: "`nexus events` lists what is kept.",
  INVOCATION_NOT_FOUND: "`nexus invocations` lists what is kept.",
  FUNCTION_NOT_FOUND: "`nexus functions` lists what is in service.",
  DEAD_LETTER_NOT_FOUND: "`nexus dlq` lists those there are.",
  UNAUTHORIZED: "Set NEXUS_API_TOKEN, or name a file that holds the token with --token-file.",
  FORBIDDEN: "Take a token of that scope, or of scope admin, in NEXUS_API_TOKEN or --token-file.",
  PORT_UNAVAILABLE: "Stop what has the port, or take another with --port or NEXUS_PORT.",
};
