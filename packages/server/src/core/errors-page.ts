import { ERRORS, type ErrorFacts } from "./errors.ts";

/** docs/errors.md: one section a code, so that `docs/errors.md#event_invalid` leads to it. */
export function errorsPage(): string {
  const rows = Object.entries<ErrorFacts>(ERRORS).map(
    ([code, facts]) =>
      `## ${code}\n\n${facts.title}. ${facts.help}\n\nHTTP status ${facts.status}. ${
        facts.retry ? "The same request may succeed later." : "The same request fails again."
      }\n`,
  );
  return `${HEAD}\n${rows.join("\n")}`;
}

const HEAD = `# Error codes

<!-- Generated from packages/server/src/core/errors.ts by \`npm run generate\`. Do not edit. -->

Every error has one of these codes, and a code never changes its meaning. Over HTTP an error is
\`application/problem+json\` (RFC 9457) with \`type\`, \`title\`, \`status\`, \`detail\`, \`code\` and
\`trace_id\`; \`detail\` says what was wrong with this one request. An answer with status 503 has
\`Retry-After\`. On the command line the message is printed with what to do next, and the exit code is
1, or 2 where the command was used wrongly. In an invocation's record \`error\` has \`code\` and
\`message\`.
`;
