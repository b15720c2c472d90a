import { z } from "zod";
import { ERRORS, type ErrorCode } from "../core/errors.ts";
import type { RouteScope } from "./access.ts";
import {
  problemsOf,
  type Answer,
  type Content,
  type Operation,
  type Parameter,
} from "./operation.ts";

import type { Route } from "./route.ts";
import { schemas } from "./schemas.ts";

type Json = Readonly<Record<string, unknown>>;

const OPENAPI: Operation = {
  id: "openapi",
  tag: "Operations",
  summary: "This document",
  answers: { 200: { description: "OpenAPI 3.1.", content: { "application/json": {} } } },
  problems: [],
};

/** GET /openapi.json, which tells of all `routes` and of itself. */
export function openapiRoute(routes: readonly Route[]): Route {
  const path = "/openapi.json";
  const own = { method: "GET", path, scope: "public", operation: OPENAPI } as const;
  let body: string | undefined;
  return {
    ...own,
    handle() {
      body ??= JSON.stringify(openapiDocument([...routes, own]));
      return { status: 200, headers: { "content-type": "application/json" }, body };
    },
  };
}

/** The document of these routes; those without an operation are not in it. */
export function openapiDocument(
  routes: readonly Pick<Route, "method" | "path" | "scope" | "operation">[],
): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const { method, path, scope, operation } of routes) {
    if (operation === undefined) continue;
    const template = path.replaceAll(/:(\w+)/g, "{$1}");
    (paths[template] ??= {})[method.toLowerCase()] = operationObject(operation, path, scope);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Nexus Functions",
      version: "1",
      description:
        "Events in, kept durably, run through sandboxed WebAssembly functions, replayable. Every answer carries `traceparent`; one that is sent is continued. Beside these calls a server answers at the paths of its functions' HTTP triggers.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    paths,
    components: {
      schemas: componentSchemas(),
      securitySchemes: {
        token: {
          type: "http",
          scheme: "bearer",
          description:
            "An API token, where the server asks for one: always beyond loopback, on loopback where one is set. `admin` covers `read` and `publish`.",
        },
      },
    },
  };
}

function operationObject(operation: Operation, path: string, scope: RouteScope): Json {
  return {
    operationId: operation.id,
    tags: [operation.tag],
    summary: operation.summary,
    ...(operation.description === undefined ? {} : { description: operation.description }),
    parameters: [
      ...Object.entries(operation.params ?? {}).map(([name, description]) => ({
        name,
        in: "path",
        required: true,
        description,
        schema: { type: "string" },
      })),
      ...parameters(operation.query, "query"),
      ...parameters(operation.headers, "header"),
    ],
    ...(operation.body === undefined
      ? {}
      : {
          requestBody: {
            required: operation.body.required,
            content: contentObject(operation.body.content),
          },
        }),
    responses: {
      ...Object.fromEntries(
        Object.entries(operation.answers).map(([status, answer]) => [
          status,
          responseObject(answer),
        ]),
      ),
      ...problemResponses(operation, problemsOf(operation, path, scope)),
    },
    // For bearer tokens, the roles that are required (OpenAPI 3.1, section 4.8.30).
    security: scope === "public" ? [] : [{ token: [scope] }],
  };
}

function parameters(
  given: Readonly<Record<string, Parameter>> | undefined,
  place: string,
): readonly Json[] {
  return Object.entries(given ?? {}).map(([name, { description, schema, example }]) => ({
    name,
    in: place,
    required: false,
    description,
    schema: schema ?? { type: "string" },
    ...(example === undefined ? {} : { example }),
  }));
}

function responseObject({ description, content, headers }: Answer): Json {
  return {
    description,
    headers: {
      traceparent: header("W3C Trace Context of this call."),
      ...Object.fromEntries(
        Object.entries(headers ?? {}).map(([name, text]) => [name, header(text)]),
      ),
    },
    content: contentObject(content),
  };
}

function header(description: string): Json {
  return { description, schema: { type: "string" } };
}

function contentObject(content: Readonly<Record<string, Content>>): Json {
  return Object.fromEntries(
    Object.entries(content).map(([type, { schema, example }]) => [
      type,
      {
        schema: schema === undefined ? {} : { $ref: `#/components/schemas/${schema}` },
        ...(example === undefined ? {} : { example }),
      },
    ]),
  );
}

/** One response a status, with an example for each code that has it. */
function problemResponses({ answers }: Operation, problems: readonly ErrorCode[]): Json {
  const byStatus = Map.groupBy<number, ErrorCode>(
    [...problems, "INTERNAL"],
    (code) => ERRORS[code].status,
  );
  return Object.fromEntries(
    [...byStatus]
      .filter(([status]) => answers[status] === undefined)
      .map(([status, codes]) => [status, problemResponse(codes)]),
  );
}

function problemResponse(codes: readonly ErrorCode[]): Json {
  const response = responseObject({
    description: codes.map((code) => `${code}: ${ERRORS[code].title}.`).join(" "),
    content: {},
    ...([429, 503].includes(ERRORS[codes[0]!].status)
      ? { headers: { "retry-after": "Seconds to wait before the next try." } }
      : {}),
  });
  return {
    ...response,
    content: {
      "application/problem+json": {
        schema: { $ref: "#/components/schemas/Problem" },
        examples: Object.fromEntries(codes.map((code) => [code, { value: exampleOf(code) }])),
      },
    },
  };
}

function exampleOf(code: ErrorCode): Json {
  const { title, status, help } = ERRORS[code];
  return {
    type: `/errors#${code}`,
    title,
    status,
    detail: help,
    code,
    trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
  };
}

function componentSchemas(): Json {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const made = z.toJSONSchema(registry, { uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(
    Object.entries(made.schemas).map(([id, schema]) => [id, withoutDialect(schema)]),
  );
}

// The document itself says both.
function withoutDialect(schema: object): Json {
  return Object.fromEntries(
    Object.entries(schema).filter(([key]) => key !== "$id" && key !== "$schema"),
  );
}
