// Writes docs/errors.md from the table of error codes: `npm run generate`.
import { writeFileSync } from "node:fs";
import { errorsPage } from "../src/core/errors-page.ts";

writeFileSync(new URL("../../../docs/errors.md", import.meta.url), errorsPage());
