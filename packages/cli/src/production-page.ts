import { PRODUCTION_CHECKS } from "./doctor/production/checks.ts";

/** docs/production-checks.md. */
export function productionPage(): string {
  const rows = PRODUCTION_CHECKS.map(({ name, wants }) => `| \`${name}\` | ${wants} |`);
  return `${HEAD}\n| check | wants |\n|---|---|\n${rows.join("\n")}\n`;
}

const HEAD = `# Production checks

<!-- Generated from packages/cli/src/doctor/production by \`npm run generate\`. Do not edit. -->

\`nexus doctor --production\` looks at everything that a program can see of a production set-up, and says
what it found, and what to do about it. Run it as the server's user, where the server runs, with the
server's environment: \`kubectl exec deployment/nexus-functions -- nexus doctor --production\`, or
\`docker compose exec nexus nexus doctor --production\`.

- It reads what \`nexus start\` would read there: the environment, \`nexus.yaml\`, the functions and the data
  directory. It writes nothing but a file of a few KiB in the data directory, which goes again.
- The server at \`--url\` is asked over the API, with the token of \`--token-file\` or the environment, of scope
  \`read\` or \`admin\`. A guarded server is asked once without one.
- Exit code 1 where a check failed; warnings alone leave it at 0. \`--json\` prints \`ok\` and \`findings\`,
  each with \`check\`, \`state\` (\`ok\`, \`warning\`, \`failed\`), \`detail\` and \`remedy\`.
- What is of no concern is left out: the checks of NATS where the log is the embedded one.
- Tokens and passwords are never shown.

The checks below come after those of \`nexus doctor\` itself: Node, the configuration, every module, the data
directory, its disk and clock, NATS, the server.
`;
