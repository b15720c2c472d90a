// A stand-in for NATS' official image: a newer Debian's nats-server, started as the original starts its own.
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { unpackedPackage } from "./debian.ts";
import { NODE_IMAGE } from "./node-image.ts";
import type { Workshop } from "./store.ts";

/** Takes the stand-in for Node's image as its base. Resolves when the workshop has an image by this name. */
export async function makeNatsImage(workshop: Workshop, name: string): Promise<void> {
  const folder = join(workshop.scratch, "nats-image");
  await mkdir(folder);
  const nats = await unpackedPackage("trixie", "nats-server");
  await copyFile(join(nats, "usr/sbin/nats-server"), join(folder, "nats-server"));
  // The original has a wget, of busybox, and users' health checks call it.
  const busybox = await unpackedPackage("trixie", "busybox-static");
  await copyFile(join(busybox, "usr/bin/busybox"), join(folder, "wget"));
  await writeFile(join(folder, "docker-entrypoint.sh"), ENTRYPOINT, { mode: 0o755 });
  await writeFile(join(folder, "Dockerfile"), DOCKERFILE);
  await workshop.buildah("bud", "--isolation=chroot", "--format=docker", "-t", name, folder);
}

// Arguments alone, or none, are for nats-server.
const ENTRYPOINT = `#!/bin/sh
case "$1" in -* | "") set -- nats-server "$@" ;; esac
exec "$@"
`;

const DOCKERFILE = `FROM ${NODE_IMAGE}
COPY nats-server docker-entrypoint.sh /usr/local/bin/
COPY wget /usr/bin/wget
EXPOSE 4222 6222 8222
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["nats-server", "--config", "/etc/nats/nats-server.conf"]
`;
