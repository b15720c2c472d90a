// Brings the reference in docs/cli.md up to date.
import { readFileSync, writeFileSync } from "node:fs";
import { cliPage } from "../src/cli-page.ts";

const page = new URL("../../../docs/cli.md", import.meta.url);
writeFileSync(page, await cliPage(readFileSync(page, "utf8")));
