// Bounds a process's processor time by a control group, where this machine lets us (root on Linux).
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const PERIOD_US = 20_000;
const V1 = "/sys/fs/cgroup/cpu";
const V2 = "/sys/fs/cgroup";

/**
 * Gives the process and its threads so many cores from now on, a fraction mostly. Undefined where control groups
 * cannot be set. Dispose of it when the process is gone.
 */
export function shareOfCpu(pid: number, cores: number): Disposable | undefined {
  const v1 = existsSync(join(V1, "cgroup.procs"));
  const folder = join(v1 ? V1 : V2, `nexus-bench-${pid}`);
  const quotaUs = Math.round(PERIOD_US * cores);
  try {
    mkdirSync(folder);
  } catch {
    return undefined;
  }
  const remove = (): void => rmdirSync(folder);
  try {
    if (v1) {
      writeFileSync(join(folder, "cpu.cfs_period_us"), String(PERIOD_US));
      writeFileSync(join(folder, "cpu.cfs_quota_us"), String(quotaUs));
    } else {
      writeFileSync(join(folder, "cpu.max"), `${quotaUs} ${PERIOD_US}`);
    }
    writeFileSync(join(folder, "cgroup.procs"), String(pid));
  } catch {
    remove();
    return undefined;
  }
  return { [Symbol.dispose]: remove };
}
