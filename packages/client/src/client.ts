import type {
  Accepted,
  AcceptedBatch,
  CloudEvent,
  DeadLetter,
  DeadLetterPage,
  EventPage,
  Function as FunctionInfo,
  FunctionList,
  Health,
  Invocation,
  InvocationList,
  InvocationPage,
  Metrics,
  NewReplay,
  Readiness,
  RedriveFilter,
  Redriven,
  Replay,
  Replayed,
  ReplayList,
  ReplayModule,
  ReplayPreview,
  ReplayWithReport,
  VersionList,
  WhatIf,
  Rerun,
} from "./api.gen.ts";
import { NexusProblem } from "./problem.ts";
import { serverSentEvents, type ServerSentEvent } from "./server-sent-events.ts";
import { transport, type CallOptions, type Query, type TransportOptions } from "./transport.ts";

export type ClientOptions = TransportOptions;

/** An event to publish: `id`, `source` and `time` may be left to the server only in `publishPlain`. */
export type OutgoingEvent = Omit<CloudEvent, "specversion"> & { readonly specversion?: "1.0" };

export interface PublishOptions {
  /** Wait until every matching function has ended, at most so long: a duration such as `5s`. */
  readonly wait?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface PlainOptions extends PublishOptions {
  /** Of the body; without it the server guesses JSON, text or bytes. */
  readonly contentType?: string | undefined;
  readonly id?: string | undefined;
  readonly source?: string | undefined;
  readonly subject?: string | undefined;
}

export interface EventQuery {
  /** A pattern, such as `com.example.*`. */
  readonly type?: string | undefined;
  readonly source?: string | undefined;
  /** A timestamp (RFC 3339), or an age such as `24h`. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/** At most one of them; neither: the version that it ran on. */
export interface RerunQuery {
  readonly against?: string | undefined;
  readonly module?: string | undefined;
}

export interface InvocationQuery {
  readonly function?: string | undefined;
  readonly status?: Invocation["status"] | undefined;
  readonly since?: string | undefined;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export interface DeadLetterQuery {
  readonly function?: string | undefined;
  readonly type?: string | undefined;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export interface StreamQuery {
  readonly type?: string | undefined;
  readonly function?: string | undefined;
}

export type StreamItem =
  | { readonly kind: "event"; readonly event: CloudEvent }
  | { readonly kind: "invocation"; readonly invocation: Invocation }
  /** So many entries were left out because this reader was too slow, or the connection was away. */
  | { readonly kind: "gap"; readonly missed?: number };

/**
 * The HTTP API, one method a call, named as the operations in openapi.json. Every method rejects with
 * NexusProblem, and with what `signal` was aborted with; nothing is tried again behind your back.
 */
export type NexusClient = ReturnType<typeof createClient>;

export function createClient(options: ClientOptions) {
  const send = transport(options);

  async function read<T>(path: string, call?: CallOptions): Promise<T> {
    return (await (await send(path, call)).json()) as T;
  }
  function get<T>(path: string, query?: object, signal?: AbortSignal): Promise<T> {
    return read<T>(path, { query: query as Query | undefined, signal });
  }
  function post<T>(path: string, call: CallOptions = {}): Promise<T> {
    return read<T>(path, { ...call, method: "POST" });
  }

  async function streamOf(path: string, query: Query, signal: AbortSignal) {
    const headers = { accept: "text/event-stream" };
    const response = await send(path, { query, headers, signal });
    return serverSentEvents(response.body!);
  }

  return {
    url: options.url,

    /** Publishes one event in CloudEvents' structured mode. It is durable when this resolves. */
    publish(event: OutgoingEvent, { wait, signal }: PublishOptions = {}): Promise<Accepted> {
      return post("/events", {
        query: { wait },
        headers: { "content-type": "application/cloudevents+json" },
        body: JSON.stringify({ specversion: "1.0", ...event }),
        signal,
      });
    },

    /** Publishes events in one call: all of them are durable when this resolves, or none was taken. */
    async publishBatch(
      events: readonly OutgoingEvent[],
      { wait, signal }: PublishOptions = {},
    ): Promise<readonly Accepted[]> {
      const { events: accepted } = await post<AcceptedBatch>("/events", {
        query: { wait },
        headers: { "content-type": "application/cloudevents-batch+json" },
        body: JSON.stringify(events.map((event) => ({ specversion: "1.0", ...event }))),
        signal,
      });
      return accepted;
    },

    /** Publishes a body; the server makes the CloudEvent around it. */
    publishPlain(
      type: string,
      body: string | Uint8Array,
      { wait, signal, contentType, id, source, subject }: PlainOptions = {},
    ): Promise<Accepted> {
      const headers = present({
        "content-type": contentType,
        "ce-id": percent(id),
        "ce-source": percent(source),
        "ce-subject": percent(subject),
      });
      return post(`/events/${encodeURIComponent(type)}`, {
        query: { wait },
        headers,
        body,
        signal,
      });
    },

    listEvents: (query: EventQuery = {}, signal?: AbortSignal) =>
      get<EventPage>("/events", query, signal),

    /** Every matching event, newest first, page after page as they are read. */
    events: (query: EventQuery = {}, signal?: AbortSignal): AsyncIterable<CloudEvent> =>
      pages(query, async (next) => {
        const page = await get<EventPage>("/events", next, signal);
        return { items: page.events, cursor: page.next_cursor };
      }),

    getEvent: (id: string, source?: string) => get<CloudEvent>(`/events/${part(id)}`, { source }),

    async listEventInvocations(id: string, source?: string): Promise<readonly Invocation[]> {
      const path = `/events/${part(id)}/invocations`;
      return (await get<InvocationList>(path, { source })).invocations;
    },

    listInvocations: (query: InvocationQuery = {}, signal?: AbortSignal) =>
      get<InvocationPage>("/invocations", query, signal),

    /** Every matching record, newest first, page after page as they are read. */
    invocations: (query: InvocationQuery = {}, signal?: AbortSignal): AsyncIterable<Invocation> =>
      pages(query, async (next) => {
        const page = await get<InvocationPage>("/invocations", next, signal);
        return { items: page.invocations, cursor: page.next_cursor };
      }),

    getInvocation: (id: string) => get<Invocation>(`/invocations/${part(id)}`),

    /**
     * Runs an invocation again from its recording, without effects, on its own version or another, and compares;
     * with `whatIf` something of what it is given is changed.
     */
    replayInvocation: (id: string, query: RerunQuery = {}, whatIf?: WhatIf) =>
      post<Rerun>(`/invocations/${part(id)}/replay`, {
        query: { ...query },
        ...(whatIf === undefined ? {} : { body: JSON.stringify(whatIf) }),
      }),

    /** An invocation's recording as a file (docs/recordings.md); `withModule`: with all it takes to run it. */
    async exportRecording(
      id: string,
      { withModule = false }: { readonly withModule?: boolean | undefined } = {},
    ): Promise<Uint8Array> {
      const query = { with_module: withModule ? true : undefined };
      const answer = await send(`/invocations/${part(id)}/recording`, { query });
      return new Uint8Array(await answer.arrayBuffer());
    },

    /** Runs an event again, live, on every function it matches or on one. */
    replay: (eventId: string, query: { readonly function?: string | undefined } = {}) =>
      post<Replayed>(`/replay/${part(eventId)}`, { query }),

    /** Begins to make past runs again on a candidate, without effects; `getReplay` has the report. */
    createReplay: (request: NewReplay) =>
      post<Replay>("/replays", { body: JSON.stringify(request) }),

    /** What `createReplay` would choose; nothing runs. */
    previewReplay: (request: NewReplay) =>
      post<ReplayPreview>("/replays/preview", { body: JSON.stringify(request) }),

    /** Keeps a module for `createReplay`. */
    keepReplayModule: (module: Uint8Array) =>
      post<ReplayModule>("/replays/modules", {
        headers: { "content-type": "application/wasm" },
        body: module,
      }),

    listReplays: () => get<ReplayList>("/replays"),

    getReplay: (id: string) => get<ReplayWithReport>(`/replays/${part(id)}`),

    /** Ends it; what was done until then stays in its report. */
    cancelReplay: (id: string, signal?: AbortSignal) =>
      post<Replay>(`/replays/${part(id)}/cancel`, { signal }),

    /**
     * The replay each time it has changed, until it has ended or `signal` aborts. A connection that breaks is
     * made again, also while the server restarts. Rejects if the first connection fails.
     */
    async *followReplay(id: string, signal: AbortSignal): AsyncGenerator<Replay, void, undefined> {
      const messages = reconnecting(
        () => streamOf(`/replays/${part(id)}/progress`, {}, signal),
        signal,
      );
      for await (const message of messages) {
        if (message === "connected") continue;
        const replay = JSON.parse(message.data) as Replay;
        yield replay;
        if (replay.ended_at !== null) return;
      }
    },

    listDeadLetters: (query: DeadLetterQuery = {}, signal?: AbortSignal) =>
      get<DeadLetterPage>("/dead-letters", query, signal),

    /** Every matching dead letter, newest first, page after page as they are read. */
    deadLetters: (query: DeadLetterQuery = {}, signal?: AbortSignal): AsyncIterable<DeadLetter> =>
      pages(query, async (next) => {
        const page = await get<DeadLetterPage>("/dead-letters", next, signal);
        return { items: page.dead_letters, cursor: page.next_cursor };
      }),

    getDeadLetter: (id: string) => get<DeadLetter>(`/dead-letters/${part(id)}`),

    redrive: (id: string) => post<Redriven>(`/dead-letters/${part(id)}/redrive`),

    redriveMany: (filter: RedriveFilter) =>
      post<Redriven>("/dead-letters/redrive", {
        headers: { "content-type": "application/json" },
        body: JSON.stringify(filter),
      }),

    async listFunctions(): Promise<readonly FunctionInfo[]> {
      return (await get<FunctionList>("/functions")).functions;
    },

    getFunction: (name: string) => get<FunctionInfo>(`/functions/${part(name)}`),

    /** Those that its runs can be made again on, in the order in which they were served first. */
    async listVersions(name: string): Promise<VersionList["versions"]> {
      return (await get<VersionList>(`/functions/${part(name)}/versions`)).versions;
    },

    health: () => get<Health>("/health"),

    /** What `/readyz` answers, ready or not. */
    async readyz(): Promise<Readiness> {
      const response = await (options.fetch ?? fetch)(`${options.url}/readyz`);
      return (await response.json()) as Readiness;
    },

    metrics: () => read<Metrics>("/metrics", { headers: { accept: "application/json" } }),

    /** Prometheus' text format. */
    async metricsText(): Promise<string> {
      return (await send("/metrics")).text();
    },

    openapi: () => get<Readonly<Record<string, unknown>>>("/openapi.json"),

    /**
     * What happens from now on, as it happens. A connection that breaks is made again, and a `gap`
     * tells of it; ends when `signal` aborts. Rejects if the first connection fails.
     */
    async *stream(
      query: StreamQuery,
      signal: AbortSignal,
    ): AsyncGenerator<StreamItem, void, undefined> {
      let connected = false;
      const open = () => streamOf("/events/stream", query as Query, signal);
      for await (const message of reconnecting(open, signal)) {
        if (message !== "connected") yield item(message);
        else if (connected) yield { kind: "gap" };
        else connected = true;
      }
    },
  };
}

/** The messages, each connection's after "connected"; one that breaks is made again until `signal` aborts. */
async function* reconnecting(
  open: () => Promise<AsyncIterable<ServerSentEvent>>,
  signal: AbortSignal,
): AsyncGenerator<"connected" | ServerSentEvent, void, undefined> {
  let connected = false;
  let waitMs = 250;
  while (!signal.aborted) {
    try {
      const messages = await open();
      connected = true;
      waitMs = 250;
      yield "connected";
      yield* messages;
    } catch (error) {
      if (signal.aborted) return;
      const refused = error instanceof NexusProblem && error.code !== "UNREACHABLE";
      if (!connected || (refused && error.status < 500)) throw error;
    }
    await pause(waitMs, signal);
    waitMs = Math.min(waitMs * 2, 5000);
  }
}

function item({ event, data }: { readonly event: string; readonly data: string }): StreamItem {
  const value: unknown = JSON.parse(data);
  if (event === "event") return { kind: "event", event: value as CloudEvent };
  if (event === "invocation") return { kind: "invocation", invocation: value as Invocation };
  return { kind: "gap", missed: (value as { readonly missed: number }).missed };
}

interface Fetched<T> {
  readonly items: readonly T[];
  readonly cursor: string | undefined;
}

async function* pages<Q extends object, T>(
  query: Q,
  fetchPage: (query: Q) => Promise<Fetched<T>>,
): AsyncGenerator<T, void, undefined> {
  let next = query;
  for (;;) {
    const { items, cursor } = await fetchPage(next);
    yield* items;
    if (cursor === undefined) return;
    next = { ...next, cursor };
  }
}

function part(text: string): string {
  return encodeURIComponent(text);
}

// CloudEvents' HTTP binding, section 3.1.3.2: printable ASCII but space, " and % stays as it is.
function percent(text: string | undefined): string | undefined {
  return text?.replaceAll(/[^!#$&-~]/gu, (character) =>
    [...new TextEncoder().encode(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
      .join(""),
  );
}

function present(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
