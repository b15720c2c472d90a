import { ERRORS } from "../core/errors.ts";
import { apiRoutes, type AppDeps } from "./app.ts";
import { problemsOf, type Operation, type Parameter } from "./operation.ts";
import type { Route } from "./route.ts";

/** docs/http-api.md: an introduction, then every call as its route describes itself. */
export function referencePage(): string {
  // Routes are only described here, and a route touches what it stands on when it is called.
  const routes = apiRoutes({} as AppDeps);
  const tags = [...new Set(routes.flatMap(({ operation }) => operation?.tag ?? []))];
  const parts = tags.map(
    (tag) =>
      `## ${tag}\n\n${routes
        .filter(({ operation }) => operation?.tag === tag)
        .map((route) => section(route, route.operation!))
        .join("\n")}`,
  );
  return `${HEAD}\n${parts.join("\n")}`;
}

function section({ method, path, scope }: Route, operation: Operation): string {
  const template = path.replaceAll(/:(\w+)/g, "{$1}");
  const rows = [
    ...Object.entries(operation.params ?? {}).map(([name, text]) => row(`{${name}}`, text)),
    ...parameters(operation.query, "?", "="),
    ...parameters(operation.headers, "", ":"),
  ];
  const answers = Object.entries(operation.answers).map(
    ([status, { description }]) => `- **${status}** ${description}`,
  );
  const problems = problemsOf(operation, path, scope).map(
    (code) => `- **${ERRORS[code].status}** [${code}](errors.md#${code.toLowerCase()})`,
  );
  return `### ${method} ${template}

${[operation.summary, operation.description].filter((text) => text !== undefined).join(". ")}

Scope: ${scope === "public" ? "none, for anybody" : `\`${scope}\``}.

${rows.length === 0 ? "" : `| | |\n|---|---|\n${rows.join("\n")}\n\n`}${[...answers, ...problems].join("\n")}
`;
}

function parameters(
  of: Readonly<Record<string, Parameter>> | undefined,
  before: string,
  after: string,
): readonly string[] {
  return Object.entries(of ?? {}).map(([name, { description, example }]) =>
    row(
      `${before}${name}${after}`,
      example === undefined ? description : `${description} Example: \`${example}\``,
    ),
  );
}

function row(name: string, text: string): string {
  return `| \`${name}\` | ${text.replaceAll("|", "\\|")} |`;
}

const HEAD = `# HTTP API

<!-- Generated from the routes in packages/server/src/http by \`npm run generate\`. Do not edit. -->

The server answers at \`http://127.0.0.1:8080\` unless told otherwise. The same description, as OpenAPI
3.1 with every schema, is at \`GET /openapi.json\`; \`@nexus-functions/client\` is typed from it.

Publish an event, and wait for what its functions make of it:

\`\`\`sh
curl -X POST 'http://127.0.0.1:8080/events/com.example.order.placed?wait=5s' \\
  -H 'content-type: application/json' -d '{"order_id":"A-1"}'
\`\`\`

The same as a CloudEvent of your own, in structured mode; sent again, it is answered as a duplicate and
runs nothing:

\`\`\`sh
curl -X POST http://127.0.0.1:8080/events -H 'content-type: application/cloudevents+json' -d '{
  "specversion": "1.0", "id": "A-1", "source": "/shop", "type": "com.example.order.placed",
  "data": {"order_id": "A-1"}
}'
\`\`\`

In binary mode, attributes are headers (percent-encoded where they are not plain ASCII) and the body is
the data, of any content type:

\`\`\`sh
curl -X POST http://127.0.0.1:8080/events -H 'ce-specversion: 1.0' -H 'ce-id: A-2' \\
  -H 'ce-source: /shop' -H 'ce-type: com.example.image.uploaded' \\
  -H 'content-type: image/png' --data-binary @photo.png
\`\`\`

- **202 means durable:** the event survives a power cut. An event is known by \`source\` and \`id\`.
- **Lists** are newest first, and answer with \`next_cursor\` unless the page is the last one; pass it as
  \`cursor\` with the same filters. A page may hold fewer items than \`limit\` and still not be the last.
- **Errors** are \`application/problem+json\` (RFC 9457) with a stable \`code\`; see [errors](errors.md).
  Every call may also answer 500 [INTERNAL](errors.md#internal). 503 comes with \`Retry-After\`, and
  nothing was accepted.
- **Traces:** every answer carries \`traceparent\`; one that is sent is continued, kept with the event,
  and goes on to the function.
- **Tokens:** where the server asks for one ([which it does beyond loopback](configuration.md#api-tokens)),
  a request carries \`Authorization: Bearer <token>\`. Each call below names the scope that the token
  must have; \`admin\` covers the others. Without a token it is 401
  [UNAUTHORIZED](errors.md#unauthorized), with one of another scope 403 [FORBIDDEN](errors.md#forbidden).
- **Rate limits:** any call but the probes may answer 429 [RATE_LIMITED](errors.md#rate_limited) with
  \`Retry-After\` ([which a server does where it is told how often](configuration.md#rate-limits)). Answers
  then carry \`RateLimit-Policy\` and \`RateLimit\`, as draft-ietf-httpapi-ratelimit-headers has them.
- **HTTP triggers** of functions answer at their own paths, beside the calls below, and are public unless
  they say \`auth: required\`.
- **Browsers:** there is no CORS; a page of another origin reads nothing.
`;
