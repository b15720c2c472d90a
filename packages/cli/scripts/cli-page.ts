// Brings the reference in docs/cli.md, and docs/production-checks.md, up to date.
import { readFileSync, writeFileSync } from "node:fs";
import { cliPage } from "../src/cli-page.ts";
import { productionPage } from "../src/production-page.ts";

const page = new URL("../../../docs/cli.md", import.meta.url);
writeFileSync(page, await cliPage(readFileSync(page, "utf8")));
const checks = new URL("../../../docs/production-checks.md", import.meta.url);
writeFileSync(checks, productionPage());
