import { open, rm, stat, statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { formatBytes, formatDuration } from "../units.ts";
import { failed, ok, warning, type Finding } from "./finding.ts";

const OLDEST_NODE = 24;
const LITTLE_SPACE = 2 ** 30;
const SLOW_FSYNC_MS = 20;
const FSYNCS = 20;

export function checkNode(): Finding {
  const { node } = process.versions;
  return Number(node.split(".")[0]) >= OLDEST_NODE
    ? ok("node", `${node} on ${process.platform} ${process.arch}`)
    : failed("node", `${node} is too old`, `Install Node ${OLDEST_NODE} or newer.`);
}

/** The data directory: writable, with room, on a disk that keeps what it says it has kept. */
export async function checkDataDir(dir: string): Promise<readonly Finding[]> {
  const place = await nearestExisting(resolve(dir));
  const file = join(place, `.nexus-doctor-${process.pid}`);
  const name = place === resolve(dir) ? dir : `${dir} (will be made)`;
  try {
    return [
      ok("data dir", `${name} is writable`),
      await checkSpace(place),
      ...(await checkDisk(file)),
    ];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const remedy = "Give this user the right to write there, or name another with --data-dir.";
    return [failed("data dir", `cannot write to ${place}: ${code}`, remedy)];
  } finally {
    await rm(file, { force: true }).catch(() => undefined);
  }
}

async function checkSpace(place: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(place);
  const free = bavail * bsize;
  return free >= LITTLE_SPACE
    ? ok("disk space", `${formatBytes(free)} free`)
    : warning(
        "disk space",
        `only ${formatBytes(free)} free`,
        "Free some, or shorten `retention` in nexus.yaml.",
      );
}

async function checkDisk(file: string): Promise<readonly Finding[]> {
  const times: number[] = [];
  await using handle = await open(file, "w");
  for (let round = 0; round < FSYNCS; round += 1) {
    const begun = performance.now();
    await handle.write(new Uint8Array(1024), 0, 1024, round * 1024);
    await handle.datasync();
    times.push(performance.now() - begun);
  }
  const median = times.sort((a, b) => a - b)[FSYNCS / 2]!;
  const skewMs = Math.abs(Date.now() - (await stat(file)).mtimeMs);
  return [
    median <= SLOW_FSYNC_MS
      ? ok("fsync", `${formatDuration(median)} to make 1 KiB durable`)
      : warning(
          "fsync",
          `${formatDuration(median)} to make 1 KiB durable`,
          "Every acknowledgement waits for it: use a local SSD, not a network file system.",
        ),
    skewMs < 2000
      ? ok("clock", new Date().toISOString())
      : warning(
          "clock",
          `the disk's clock is ${formatDuration(skewMs)} away from this machine's`,
          "Is the data directory on a network file system? Use a local one, and synchronise the clocks.",
        ),
  ];
}

async function nearestExisting(path: string): Promise<string> {
  try {
    await stat(path);
    return path;
  } catch {
    return dirname(path) === path ? path : nearestExisting(dirname(path));
  }
}
