// Writes docs/nexus.schema.json, which editors use for nexus.yaml. A test fails where it is stale.
import { writeFile } from "node:fs/promises";
import { configJsonSchema } from "../src/functions/schema.ts";

const target = new URL("../../../docs/nexus.schema.json", import.meta.url);
await writeFile(target, `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
