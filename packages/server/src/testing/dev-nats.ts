// startDevNats() in a process of its own, for tests that kill it: the data directory, and "exit" to have it exit at once.
import { natsServerPlace, processEnvironment } from "../config.ts";
import { startDevNats } from "../nats/dev-server.ts";

const nats = await startDevNats({
  dataDir: process.argv[2]!,
  where: natsServerPlace(processEnvironment()),
});
process.send?.({ url: nats.url, pid: nats.pid }, () => {
  if (process.argv[3] === "exit") process.exit();
});
