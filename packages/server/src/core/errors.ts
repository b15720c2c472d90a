/**
 * The one table of error codes. Whatever follows from a code (HTTP status, exit code, whether trying
 * again can help) is read from here; docs/errors.md is generated from it.
 */
export const ERRORS = {
  // What a client sent
  REQUEST_INVALID: {
    status: 400,
    retry: false,
    title: "The request is not valid",
    help: "Read `detail`: it names the part of the request and the rule it breaks.",
  },
  EVENT_INVALID: {
    status: 400,
    retry: false,
    title: "The event is not a valid CloudEvent",
    help: "Read `detail`: it names the attribute and the rule of CloudEvents 1.0 it breaks. Nothing was stored.",
  },
  BODY_INVALID: {
    status: 400,
    retry: false,
    title: "The body cannot be read",
    help: "The body is not what its content type says: malformed JSON, invalid UTF-8, or cut off on the way.",
  },
  CURSOR_INVALID: {
    status: 400,
    retry: false,
    title: "The cursor is not one this server gave out",
    help: "Start again without `cursor`, with the same filters, and follow `next_cursor`.",
  },
  CANDIDATE_INVALID: {
    status: 400,
    retry: false,
    title: "The candidate module cannot be run",
    help: "It must be a WebAssembly core module for wasm32-wasip1, or one without imports, that the function's limits allow. The message says what is wrong.",
  },
  UNAUTHORIZED: {
    status: 401,
    retry: false,
    title: "No valid API token",
    help: "Send `Authorization: Bearer <token>`. See docs/configuration.md, API tokens.",
  },
  FORBIDDEN: {
    status: 403,
    retry: false,
    title: "The API token may not do this",
    help: "Use a token of the scope that `detail` names, or of scope `admin`.",
  },
  ROUTE_NOT_FOUND: {
    status: 404,
    retry: false,
    title: "There is nothing at this path",
    help: "See GET /openapi.json for the API and GET /functions for the HTTP triggers in service.",
  },
  EVENT_NOT_FOUND: {
    status: 404,
    retry: false,
    title: "There is no such event",
    help: "It was never accepted, or retention removed it. List events with GET /events.",
  },
  INVOCATION_NOT_FOUND: {
    status: 404,
    retry: false,
    title: "There is no such invocation",
    help: "Its record was never written, or retention removed it. List records with GET /invocations.",
  },
  FUNCTION_NOT_FOUND: {
    status: 404,
    retry: false,
    title: "There is no such function",
    help: "List the functions in service with GET /functions or `nexus functions`.",
  },
  REPLAY_NOT_FOUND: {
    status: 404,
    retry: false,
    title: "There is no such replay",
    help: "It never was, or ended more than a week ago. List replays with GET /replays.",
  },
  DEAD_LETTER_NOT_FOUND: {
    status: 404,
    retry: false,
    title: "There is no such dead letter",
    help: "It was redriven already, or never existed. List dead letters with GET /dead-letters.",
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    retry: false,
    title: "This path does not take this method",
    help: "The `Allow` header of the answer names the methods it takes.",
  },
  REQUEST_TIMEOUT: {
    status: 408,
    retry: true,
    title: "The request did not come in time",
    help: "Send headers within 10 seconds and the whole request within a minute.",
  },
  EVENT_TOO_LARGE: {
    status: 413,
    retry: false,
    title: "The event is larger than the limit",
    help: "Keep large data elsewhere and send a link to it, or raise `limits.event` in nexus.yaml.",
  },
  STATE_TOO_LARGE: {
    status: 413,
    retry: false,
    title: "A key or value of the state is larger than the limit",
    help: "A key has at most 512 bytes, a value as many as `detail` says. Keep large data elsewhere, and its address here.",
  },
  STATE_KEY_INVALID: {
    status: 400,
    retry: false,
    title: "The key of the state is not valid",
    help: "A key is text of one byte or more, in UTF-8.",
  },
  MEDIA_TYPE_UNSUPPORTED: {
    status: 415,
    retry: false,
    title: "The content type is not one this call reads",
    help: "CloudEvents: application/cloudevents+json, application/cloudevents-batch+json, or ce-* headers with any content type. Text must be UTF-8.",
  },
  RATE_LIMITED: {
    status: 429,
    retry: true,
    title: "This client asks too often",
    help: "Try again after `Retry-After`, and send requests more evenly. See docs/configuration.md, Rate limits.",
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    retry: false,
    title: "The request's headers are larger than the limit",
    help: "Keep all headers together under 16 KiB.",
  },
  // What a function did
  FUNCTION_FAILED: {
    status: 502,
    retry: true,
    title: "The function ended with an exit code other than 0",
    help: "Read the invocation's logs: `nexus invocations <id>`.",
  },
  FUNCTION_TRAPPED: {
    status: 502,
    retry: true,
    title: "The function crashed",
    help: "The module trapped (unreachable, out-of-bounds access, stack overflow …). Read the invocation's error and logs.",
  },
  FUNCTION_TIMED_OUT: {
    status: 504,
    retry: true,
    title: "The function did not finish in time",
    help: "Raise `timeout` in nexus.yaml, or give the function less to do per event.",
  },
  FUNCTION_OUT_OF_MEMORY: {
    status: 502,
    retry: true,
    title: "The function needed more memory than its limit",
    help: "Raise `memory` in nexus.yaml.",
  },
  FUNCTION_OUTPUT_INVALID: {
    status: 502,
    retry: true,
    title: "The function's output cannot be used",
    help: "With `output: events` it must be CloudEvents as JSON; with `respond: true` a body or a CGI response (RFC 3875, section 6). See docs/writing-functions.md.",
  },
  FUNCTION_CANCELLED: {
    status: 503,
    retry: true,
    title: "The invocation was stopped before it ended",
    help: "The server is shutting down or the function was taken out; the delivery is tried again.",
  },
  EVENT_LOOP: {
    status: 508,
    retry: false,
    title: "A chain of emitted events is too long",
    help: "Functions that emit events trigger each other in a circle. Break it, or raise `limits.chain_depth` in nexus.yaml.",
  },
  FUNCTION_LIMIT: {
    status: 502,
    retry: true,
    title: "The function went over one of its limits",
    help: "The invocation's error names the limit. See docs/configuration.md, limits.",
  },
  RECORDING_NOT_FOUND: {
    status: 404,
    retry: false,
    title: "The invocation was not recorded",
    help: "`detail` says why: its function's `record` setting, or a recording too large to be kept. See docs/recordings.md.",
  },
  RECORDING_INVALID: {
    status: 400,
    retry: false,
    title: "The recording cannot be used",
    help: "It is damaged, or a later release wrote it. `detail` says which.",
  },
  VERSION_NOT_FOUND: {
    status: 404,
    retry: false,
    title: "The version is not kept here",
    help: "It was never served by this server, or its data directory was emptied. Deploy it again, or give its module.",
  },
  REPLAY_DIVERGED: {
    status: 409,
    retry: false,
    title: "The run does not go as its recording does",
    help: "`detail` says where: at which host call, what it asked for and what was recorded. See docs/recordings.md.",
  },
  // What an operator configured
  CONFIG_INVALID: {
    status: 500,
    retry: false,
    title: "The configuration is not valid",
    help: "The message names the file, the line and the rule. `nexus validate` checks without starting.",
  },
  CONFIG_NOT_FOUND: {
    status: 500,
    retry: false,
    title: "There is no configuration and no functions directory",
    help: "Run `nexus new my-app`, or name the file with --config or NEXUS_CONFIG.",
  },
  MODULE_INVALID: {
    status: 500,
    retry: false,
    title: "The module cannot be run",
    help: "It must be a WebAssembly core module for wasm32-wasip1, or one without imports. The message says what is wrong.",
  },
  DATA_DIR_UNUSABLE: {
    status: 500,
    retry: false,
    title: "The data directory cannot be used",
    help: "It must be writable by the server's user and on a local file system. See NEXUS_DATA_DIR.",
  },
  DATA_DIR_LOCKED: {
    status: 500,
    retry: false,
    title: "Another server uses this data directory",
    help: "Stop the other server (its process id is in the message), or give this one its own NEXUS_DATA_DIR.",
  },
  PORT_UNAVAILABLE: {
    status: 500,
    retry: false,
    title: "The server cannot listen on its address",
    help: "Another program has the port, or the address is not of this machine. Set NEXUS_PORT or --port.",
  },
  NATS_UNSUPPORTED: {
    status: 500,
    retry: false,
    title: "This NATS cannot keep the event log",
    help: "It must be nats-server 2.9.0 or newer with JetStream, for the account that is used too. See docs/nats.md.",
  },
  NATS_SERVER_UNUSABLE: {
    status: 500,
    retry: false,
    title: "No nats-server can be run on this machine",
    help: "Install nats-server (Debian, Ubuntu: `apt-get install nats-server`; macOS: `brew install nats-server`; any: https://github.com/nats-io/nats-server/releases), or set NEXUS_NATS_SERVER to its path.",
  },
  ARCHIVE_INVALID: {
    status: 500,
    retry: false,
    title: "The archive cannot be used",
    help: "It was cut off or changed after it was written, or it belongs to another log or version. The message says where. Nothing was imported; take another copy.",
  },
  LOG_NOT_EMPTY: {
    status: 500,
    retry: false,
    title: "The log to import into is not a fresh one",
    help: "Import into a data directory or a NATS prefix that nothing was kept in yet, while no server runs on it.",
  },
  IMPORT_UNFINISHED: {
    status: 500,
    retry: false,
    title: "An import into this log was cut off",
    help: "Run `nexus import` again with the same archive: it goes on where it stopped. Or remove the log and begin with a fresh one.",
  },
  // What the server cannot do now
  NATS_UNREACHABLE: {
    status: 503,
    retry: true,
    title: "NATS cannot be reached, or refuses the credentials",
    help: "The message names the server and what it said. Check that it runs, NATS_URL or `nats.servers`, and the credentials.",
  },
  LOG_UNAVAILABLE: {
    status: 503,
    retry: true,
    title: "The event log cannot be reached",
    help: "Nothing was accepted. Try again after `Retry-After`; operators see /health.",
  },
  LOG_FULL: {
    status: 503,
    retry: true,
    title: "The event log has no room left",
    help: "Nothing was accepted. Free disk space or shorten retention, then try again.",
  },
  OVERLOADED: {
    status: 503,
    retry: true,
    title: "The server has more to do than it can hold",
    help: "Nothing was accepted. Try again after `Retry-After`.",
  },
  SHUTTING_DOWN: {
    status: 503,
    retry: true,
    title: "The server is shutting down",
    help: "Try again: another instance, or this one after its restart, answers.",
  },
  UNSUPPORTED: {
    status: 501,
    retry: false,
    title: "This event log driver cannot do that",
    help: "The message names the driver and what it lacks.",
  },
  INTERNAL: {
    status: 500,
    retry: true,
    title: "The server made a mistake",
    help: "This is a bug. The server's log has the details under the answer's trace_id.",
  },
} as const satisfies Record<string, ErrorFacts>;

/** What follows from a code. */
export interface ErrorFacts {
  /** HTTP status when the error reaches a client. */
  readonly status: number;
  /** Whether the same request may succeed later. */
  readonly retry: boolean;
  readonly title: string;
  /** What the reader can do next. */
  readonly help: string;
}

export type ErrorCode = keyof typeof ERRORS;

export interface NexusErrorOptions extends ErrorOptions {
  /** What a program may want to read beside the message, such as `{ line, column }`. Plain data. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * The one error class. `message` follows `Cannot <do what> <to what>: <how it is>`; status, retry and
 * help follow from `code`. Whatever is not a NexusError is a bug and is not caught.
 */
export class NexusError extends Error {
  override readonly name = "NexusError";
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: NexusErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }

  get facts(): ErrorFacts {
    return ERRORS[this.code];
  }
}
