// A server in a process of its own, for tests that kill it. Configured by the environment alone; with "log" as its
// argument, it logs to stderr.
import { existsSync } from "node:fs";
import { processEnvironment, readConfig } from "../config.ts";
import { startServer } from "../server.ts";

const logs = process.argv[2] === "log";
const server = await startServer(readConfig(processEnvironment(), {}, existsSync), {
  write: (line) => {
    if (logs) process.stderr.write(line);
  },
  colour: false,
});
process.stdout.write(`${server.url}\n`);
process.once("SIGTERM", () => void server.close());
