import { command } from "./store.ts";

const PACKAGES = ["buildah", "podman", "runc", "conmon", "uidmap", "debootstrap"] as const;

/** Resolves when the programs are there; installs them as root on Debian, and rejects elsewhere with what is missing. */
export async function needContainerTools(): Promise<void> {
  const missing: string[] = [];
  for (const name of PACKAGES) {
    const found = await command("dpkg-query", "-W", "-f=${Status}", name).catch(() => "");
    if (!found.endsWith(" installed")) missing.push(name);
  }
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0) {
    throw new Error(`Cannot test images: install ${missing.join(" ")}, and run as root`);
  }
  await command("apt-get", "update", "-qq");
  await command("apt-get", "install", "-y", "-qq", "--no-install-recommends", ...missing);
}
