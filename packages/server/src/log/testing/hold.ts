import { embeddedLog } from "../drivers/embedded.ts";

// A program for tests: opens the log in its first argument and holds it until it is killed.
const log = await embeddedLog({ dir: process.argv[2]! });
process.send!(await log.status());
setInterval(() => undefined, 1000);
