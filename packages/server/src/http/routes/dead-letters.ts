import { NexusError } from "../../core/errors.ts";
import { readJson } from "../../core/strict-json.ts";
import type { DeadLetterFilter, EventLog } from "../../log/log.ts";
import type { HttpRequest } from "../http.ts";
import { json, PAGE_QUERY, type Operation } from "../operation.ts";
import { pageRequest, readQuery, whole, type Query } from "../query.ts";
import { page, reading } from "../reply.ts";
import type { AppDeps, Route } from "../route.ts";
import { schemas } from "../schemas.ts";

const MAX_FILTER_BYTES = 64 * 1024;
const PAGE = 200;

export function deadLetterRoutes({ log }: AppDeps): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/dead-letters",
      scope: "read",
      operation: LIST,
      async handle({ request }) {
        const query = readQuery(request.query, Object.keys(LIST.query!));
        const { items, nextCursor } = await log.deadLetters.list(
          filterOf(query),
          pageRequest(query),
        );
        return page(
          "dead_letters",
          items.map((item) => JSON.stringify(item)),
          nextCursor,
        );
      },
    },
    {
      method: "GET",
      path: "/dead-letters/:dead_letter_id",
      scope: "read",
      operation: GET,
      async handle({ params }) {
        const letter = await log.deadLetters.get(params["dead_letter_id"]!);
        if (letter === undefined) throw notFound(params["dead_letter_id"]!);
        return reading(letter);
      },
    },
    {
      method: "POST",
      path: "/dead-letters/:dead_letter_id/redrive",
      scope: "admin",
      operation: REDRIVE,
      async handle({ params }) {
        const found = await log.deadLetters.redrive(params["dead_letter_id"]!);
        if (!found) throw notFound(params["dead_letter_id"]!);
        return reading({ redriven: 1 });
      },
    },
    {
      method: "POST",
      path: "/dead-letters/redrive",
      scope: "admin",
      operation: REDRIVE_MANY,
      async handle({ request }) {
        const { filter, limit } = await readFilter(request);
        return reading({ redriven: await redriveMany(log, filter, limit) });
      },
    },
  ];
}

/** Redrives what is dead now; what dies again meanwhile stays for the next call. */
async function redriveMany(
  log: EventLog,
  filter: DeadLetterFilter,
  limit: number,
): Promise<number> {
  let redriven = 0;
  let cursor: string | undefined;
  do {
    const { items, nextCursor } = await log.deadLetters.list(filter, {
      limit: Math.min(PAGE, limit - redriven),
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const done of await Promise.all(items.map(({ id }) => log.deadLetters.redrive(id)))) {
      if (done) redriven += 1;
    }
    cursor = nextCursor;
  } while (cursor !== undefined && redriven < limit);
  return redriven;
}

/** The filter from the body, or from the query where there is no body. */
async function readFilter(
  request: HttpRequest,
): Promise<{ readonly filter: DeadLetterFilter; readonly limit: number }> {
  const query = readQuery(request.query, Object.keys(REDRIVE_MANY.query!));
  const body = await request.body(MAX_FILTER_BYTES);
  if (body.length === 0) {
    const limit = whole("limit", query["limit"], Number.MAX_SAFE_INTEGER) ?? Infinity;
    return { filter: filterOf(query), limit };
  }
  const parsed = schemas.RedriveFilter.safeParse(readJson(body, "filter").value);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new NexusError(
      "REQUEST_INVALID",
      `Cannot read filter: ${path.length === 0 ? "" : `"${path.join(".")}": `}${message}`,
    );
  }
  const { limit = Infinity, ...given } = parsed.data;
  return { filter: filterOf(given), limit };
}

function filterOf({ function: name, type }: Query): DeadLetterFilter {
  return {
    ...(name === undefined ? {} : { function: name }),
    ...(type === undefined ? {} : { type }),
  };
}

function notFound(id: string): NexusError {
  return new NexusError(
    "DEAD_LETTER_NOT_FOUND",
    `Cannot find dead letter ${JSON.stringify(id.slice(0, 200))}: there is none`,
  );
}

const FILTER = {
  function: { description: "Of this function." },
  type: { description: "Of events of this type; a pattern." },
};

const LIST: Operation = {
  id: "listDeadLetters",
  tag: "Dead letters",
  summary: "List dead letters, newest first",
  query: { ...FILTER, ...PAGE_QUERY },
  answers: { 200: { description: "A page of dead letters.", content: json("DeadLetterPage") } },
  problems: ["REQUEST_INVALID", "CURSOR_INVALID", "LOG_UNAVAILABLE"],
};

const GET: Operation = {
  id: "getDeadLetter",
  tag: "Dead letters",
  summary: "Get one dead letter",
  params: { dead_letter_id: "The dead letter's id." },
  answers: { 200: { description: "The dead letter.", content: json("DeadLetter") } },
  problems: ["DEAD_LETTER_NOT_FOUND", "LOG_UNAVAILABLE"],
};

const REDRIVE: Operation = {
  id: "redrive",
  tag: "Dead letters",
  summary: "Make one delivery due again, from attempt 1",
  params: { dead_letter_id: "The dead letter's id." },
  answers: { 200: { description: "Due again, durably.", content: json("Redriven") } },
  problems: ["DEAD_LETTER_NOT_FOUND", "LOG_UNAVAILABLE", "LOG_FULL"],
};

const REDRIVE_MANY: Operation = {
  id: "redriveMany",
  tag: "Dead letters",
  summary: "Make deliveries due again, by filter",
  description: "The filter is the body, or the query where there is no body; none: all of them.",
  query: {
    ...FILTER,
    limit: { description: "At most so many.", schema: { type: "integer", minimum: 1 } },
  },
  body: { required: false, content: { "application/json": { schema: "RedriveFilter" } } },
  answers: { 200: { description: "How many are due again.", content: json("Redriven") } },
  problems: ["REQUEST_INVALID", "BODY_INVALID", "LOG_UNAVAILABLE", "LOG_FULL"],
};
