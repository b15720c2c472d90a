#!/usr/bin/env node
// Plain JavaScript for any Node: it has to run where the rest cannot, to say so.
const OLDEST = 24;
const major = Number(process.versions.node.split(".")[0]);

if (major < OLDEST) {
  process.stderr.write(
    `nexus: cannot run on Node ${process.versions.node}: it needs ${OLDEST} or newer\n` +
      "  In a checkout, `npm run nexus -- …` brings its own; else install one from https://nodejs.org.\n",
  );
  process.exitCode = 1;
} else {
  void import("./launch.js").then((launch) => launch.main());
}
