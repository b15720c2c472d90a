import { asKnown, type WrittenToken } from "@nexus-functions/server/core/api-token";
import { testServer } from "@nexus-functions/server/testing/server";

export interface GuardedServer extends AsyncDisposable {
  readonly url: string;
  /** The folder with its nexus.yaml and its data. */
  readonly dir: string;
  readonly readToken: string;
  readonly adminToken: string;
  /** Resolves when the event is accepted. */
  publish(type: string): Promise<void>;
}

const TOKENS = [
  { scope: "admin", token: "the-admin-token-of-tests" },
  { scope: "read", token: "the-read-token-of-tests" },
] as const satisfies readonly WrittenToken[];

/** A real server that asks for tokens, as one beyond loopback does. */
export async function guardedServer(config: string): Promise<GuardedServer> {
  const server = await testServer(config, { apiTokens: TOKENS.map(asKnown) });
  const [admin, read] = TOKENS;
  return {
    url: server.url,
    dir: server.dir,
    adminToken: admin.token,
    readToken: read.token,
    async publish(type) {
      const response = await fetch(`${server.url}/events/${type}`, {
        method: "POST",
        headers: { authorization: `Bearer ${admin.token}` },
        body: "{}",
      });
      if (response.status !== 202) throw new Error(`Cannot publish: ${await response.text()}`);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
