import { existsSync } from "node:fs";
import { command } from "./store.ts";

const CONTAINERS = [
  "buildah",
  "podman",
  "runc",
  "conmon",
  "uidmap",
  "debootstrap",
  // It holds a pod's namespaces.
  "catatonit",
  "netavark",
  "aardvark-dns",
  "iptables",
  "iproute2",
] as const;

/** Resolves when images can be built and run; as `needPackages` does. */
export function needContainerTools(): Promise<void> {
  return needPackages(...CONTAINERS);
}

/**
 * Resolves when these packages of Debian are there. As root it installs those that are not, but none that would start
 * a service; elsewhere it rejects with what is missing.
 */
export async function needPackages(...names: readonly string[]): Promise<void> {
  const missing: string[] = [];
  for (const name of names) {
    const found = await command("dpkg-query", "-W", "-f=${Status}", name).catch(() => "");
    if (!found.endsWith(" installed")) missing.push(name);
  }
  if (missing.length === 0) return;
  // Under systemd a package with a service starts it.
  if (process.getuid?.() !== 0 || existsSync("/run/systemd/system")) {
    throw new Error(`Cannot run test: install Debian's ${missing.join(" ")}`);
  }
  await command("apt-get", "update", "-qq");
  await command("apt-get", ...INSTALL, ...missing);
}

const INSTALL = [
  "install",
  "-y",
  "-qq",
  "--no-install-recommends",
  // Test files that run side by side may each install something.
  "-o",
  "DPkg::Lock::Timeout=120",
] as const;
