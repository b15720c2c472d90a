// Writes docs/http-api.md from the routes: `npm run generate`.
import { writeFileSync } from "node:fs";
import { referencePage } from "../src/http/reference-page.ts";

writeFileSync(new URL("../../../docs/http-api.md", import.meta.url), referencePage());
