import { asKnown, type WrittenToken } from "@nexus-functions/server/core/api-token";
import type { ConfigOverrides } from "@nexus-functions/server/config";
import { testServer } from "@nexus-functions/server/testing/server";

export interface GuardedServer extends AsyncDisposable {
  readonly url: string;
  /** The folder with its nexus.yaml and its data. */
  readonly dir: string;
  readonly configFile: string;
  readonly readToken: string;
  readonly adminToken: string;
  /** Resolves when the event is accepted. */
  publish(type: string): Promise<void>;
  get<T>(path: string): Promise<T>;
}

const TOKENS = [
  { scope: "admin", token: "the-admin-token-of-tests" },
  { scope: "read", token: "the-read-token-of-tests" },
] as const satisfies readonly WrittenToken[];

/** A real server that asks for tokens, as one beyond loopback does. */
export async function guardedServer(
  config: string,
  overrides: ConfigOverrides = {},
): Promise<GuardedServer> {
  const server = await testServer(config, { ...overrides, apiTokens: TOKENS.map(asKnown) });
  const [admin, read] = TOKENS;
  const headers = { authorization: `Bearer ${admin.token}` };
  return {
    url: server.url,
    dir: server.dir,
    configFile: server.configFile,
    adminToken: admin.token,
    readToken: read.token,
    async publish(type) {
      const response = await fetch(`${server.url}/events/${type}`, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: "{}",
      });
      if (response.status !== 202) throw new Error(`Cannot publish: ${await response.text()}`);
    },
    async get<T>(path: string) {
      return (await (await fetch(`${server.url}${path}`, { headers })).json()) as T;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
