// The load test against a server that runs: `npm run load -- --url http://127.0.0.1:8080`. Its function is one that
// takes events of the scenario's type. The token is NEXUS_API_TOKEN's.
import { parseArgs } from "node:util";
import { bareServer } from "../processes.ts";
import { runScenario } from "./load.ts";
import { reportText, verdicts } from "./report.ts";
import { readScenario } from "./scenario.ts";

const { values } = parseArgs({
  options: {
    url: { type: "string", default: "http://127.0.0.1:8080" },
    node: { type: "string", multiple: true },
  },
});

const scenario = readScenario();
await using bare = await bareServer();
const report = await runScenario(scenario, {
  url: values.url,
  bareUrl: bare.url,
  token: process.env["NEXUS_API_TOKEN"] ?? "",
  ...(values.node === undefined ? {} : { nodes: values.node }),
});
const all = verdicts(scenario, report);
process.stdout.write(reportText(report, all));
if (!all.every(({ holds }) => holds)) process.exitCode = 1;
