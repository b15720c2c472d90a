// Sees to it that the tests find a nats-server; part of `npm test`. As root on Debian it installs the package, where
// that starts no service; everywhere else it says how to get one, and fails.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { natsServerPlace, processEnvironment } from "@nexus-functions/server/config";
import { NexusError } from "@nexus-functions/server/core/errors";
import { findNatsServer } from "@nexus-functions/server/nats/find-server";

const place = natsServerPlace(processEnvironment());

try {
  if (mayInstall() && (await isMissing())) install();
  const { path, version } = await findNatsServer(place);
  console.log(`NATS for the tests: ${path}, version ${version}`);
} catch (error) {
  if (!(error instanceof NexusError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

// Under systemd the package starts its server on port 4222 of every address: not what a test is asked for.
function mayInstall(): boolean {
  return (
    place.program === undefined &&
    process.getuid?.() === 0 &&
    existsSync("/etc/debian_version") &&
    !existsSync("/run/systemd/system")
  );
}

async function isMissing(): Promise<boolean> {
  try {
    await findNatsServer(place);
    return false;
  } catch (error) {
    if (error instanceof NexusError && error.code === "NATS_SERVER_UNUSABLE") return true;
    throw error;
  }
}

function install(): void {
  console.log("There is no nats-server on this machine: installing Debian's package");
  const env = { ...processEnvironment(), DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [
    ["update", "-qq"],
    ["install", "-y", "-qq", "--no-install-recommends", "nats-server"],
  ]) {
    const { status } = spawnSync("apt-get", args, { stdio: "inherit", env });
    if (status !== 0) return; // what it said stands above; the search says what else can be done
  }
}
