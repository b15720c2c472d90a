import { z } from "zod";
import type { MountedFiles } from "../core/mounts.ts";

/** All of a mount as one text of bytes: the table of its files, a zero byte, and what is in them. */
export function mountContent({ nodes, bytes }: MountedFiles): Uint8Array {
  // The table says where in the bytes each file is, so both together are the whole content.
  return Buffer.concat([Buffer.from(`${JSON.stringify(nodes)}\0`), new Uint8Array(bytes)]);
}

const index = z.int().nonnegative();

const table = z
  .array(
    z.discriminatedUnion("kind", [
      z.object({
        kind: z.literal("directory"),
        entries: z.array(z.object({ name: z.string().min(1), node: index })),
      }),
      z.object({ kind: z.literal("file"), at: index, length: index }),
      z.object({ kind: z.literal("link"), target: z.string() }),
    ]),
  )
  .min(1);

/** The mount that `mountContent` wrote; undefined where these bytes are none. */
export function mountIn(content: Uint8Array): MountedFiles | undefined {
  const end = content.indexOf(0);
  if (end === -1) return undefined;
  const nodes = tableIn(content.subarray(0, end));
  const files = content.subarray(end + 1);
  const sound = nodes?.every((node) => {
    if (node.kind === "file") return node.at + node.length <= files.length;
    return node.kind === "link" || node.entries.every(({ node }) => node < nodes.length);
  });
  if (nodes === undefined || sound !== true) return undefined;
  const bytes = new SharedArrayBuffer(files.length);
  new Uint8Array(bytes).set(files);
  return { bytes, nodes };
}

function tableIn(bytes: Uint8Array): z.infer<typeof table> | undefined {
  try {
    return table.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data;
  } catch {
    return undefined;
  }
}
