// A server in a process of its own, for tests that kill it. Configured by the environment alone.
import { existsSync } from "node:fs";
import { processEnvironment, readConfig } from "../config.ts";
import { startServer } from "../server.ts";

const server = await startServer(readConfig(processEnvironment(), {}, existsSync), {
  write: () => undefined,
  colour: false,
});
process.stdout.write(`${server.url}\n`);
process.once("SIGTERM", () => void server.close());
