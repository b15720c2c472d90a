// Sees to it that the tests find a nats-server; part of `npm test`. As root on Debian it installs the package, where
// that starts no service; on other Linux it fetches the official release, by its checksum, into node_modules/.bin,
// which npm has on the PATH of its scripts; everywhere else it says how to get one, and fails.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { natsServerPlace, processEnvironment } from "@nexus-functions/server/config";
import { NexusError } from "@nexus-functions/server/core/errors";
import { findNatsServer } from "@nexus-functions/server/nats/find-server";
import { fetchProgram } from "./fetch-program.ts";

const RELEASE = "2.10.29";
/** Of the release's archives, as the Dockerfile of NATS' official image has them. */
const SHA256: Readonly<Record<string, string>> = {
  "linux-amd64": "e314da74a83a1d3876db8814c27eb990fe729640fd6452025b441bcede8390da",
  "linux-arm64": "da4b27942ecfb4c5f0c54553d2e7f470ddda9d7581cfe8131b351a0e223ed401",
};

const place = natsServerPlace(processEnvironment());

try {
  if (place.program === undefined && (await isMissing())) await install();
  const { path, version } = await findNatsServer(place);
  console.log(`NATS for the tests: ${path}, version ${version}`);
} catch (error) {
  if (!(error instanceof NexusError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
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

/** What goes wrong is printed: the search that follows says what else can be done. */
async function install(): Promise<void> {
  if (isDebian()) {
    console.log("There is no nats-server on this machine: installing Debian's package");
    installPackage();
    return;
  }
  const system = `${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}`;
  const sha256 = SHA256[system];
  if (sha256 === undefined) return;
  const name = `nats-server-v${RELEASE}-${system}`;
  const url = `https://github.com/nats-io/nats-server/releases/download/v${RELEASE}/${name}.tar.gz`;
  console.log(`There is no nats-server on this machine: fetching release ${RELEASE}`);
  const into = fileURLToPath(new URL("../node_modules/.bin/nats-server", import.meta.url));
  try {
    await fetchProgram({ url, sha256, member: `${name}/nats-server` }, into);
  } catch (error) {
    console.error((error as Error).message);
  }
}

// Under systemd the package starts its server on port 4222 of every address: not what a test is asked for.
function isDebian(): boolean {
  return (
    process.getuid?.() === 0 &&
    existsSync("/etc/debian_version") &&
    !existsSync("/run/systemd/system")
  );
}

function installPackage(): void {
  const env = { ...processEnvironment(), DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [
    ["update", "-qq"],
    ["install", "-y", "-qq", "--no-install-recommends", "nats-server"],
  ]) {
    const { status } = spawnSync("apt-get", args, { stdio: "inherit", env });
    if (status !== 0) return;
  }
}
