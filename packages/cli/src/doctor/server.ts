import { createServer } from "node:net";
import { NexusProblem } from "@nexus-functions/client/problem";
import type { NexusClient } from "@nexus-functions/client/client";
import { formatDuration } from "../units.ts";
import { failed, ok, warning, type Finding } from "./finding.ts";

/** The server where it answers; else whether one could start at its port. */
export async function checkServer(api: NexusClient): Promise<readonly Finding[]> {
  try {
    const { status, version, uptime_seconds: uptime, log } = await api.health();
    const server = `${api.url} answers: version ${version}, up ${formatDuration(uptime * 1000)}`;
    return [
      status === "ok"
        ? ok("server", server)
        : warning("server", `${server}, status ${status}`, "See GET /readyz."),
      log.connected
        ? ok("event log", `${log.driver}: ${log.durability}`)
        : failed(
            "event log",
            `${log.driver} is not connected`,
            "Events are refused until it is; see the server's log.",
          ),
    ];
  } catch (error) {
    if (!(error instanceof NexusProblem)) throw error;
    if (error.code !== "UNREACHABLE")
      return [failed("server", error.message, "Is it one of ours? See --url and NEXUS_URL.")];
    return [await checkPort(new URL(api.url))];
  }
}

async function checkPort({ hostname, port, href }: URL): Promise<Finding> {
  const local = ["127.0.0.1", "localhost", "[::1]"].includes(hostname);
  if (!local)
    return failed("server", `${href} does not answer`, "Is it running? See --url and NEXUS_URL.");
  return (await isFree(hostname, Number(port || 80)))
    ? ok("server", `none at ${href}; the port is free`)
    : failed(
        "server",
        `another program has port ${port}`,
        "Stop it, or take another with --port or NEXUS_PORT.",
      );
}

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  server.once("error", () => resolve(false));
  server.listen(port, host, () => server.close(() => resolve(true)));
  return promise;
}
