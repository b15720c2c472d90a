import { probes } from "./server.ts";

/** A nexus.yaml with the function "page", which answers requests; `env` as fixtures/probe.c has it. */
export function responder(
  path: string,
  env: Readonly<Record<string, string>> = {},
  yaml = "",
): string {
  return probes({
    name: "page",
    on: `{ http: { method: POST, path: "${path}", respond: true } }`,
    yaml: `env: ${JSON.stringify(env)}\n${yaml}`,
  });
}
