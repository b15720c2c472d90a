import { hash } from "node:crypto";
import type { ReplayReport } from "@nexus-functions/server/replay/report";
import { groupsSection } from "./html/groups.ts";
import { markup, trusted } from "./html/markup.ts";
import { measuresSection } from "./html/measures.ts";
import { STYLE } from "./html/style.ts";
import { explanation, header, skippedSection } from "./html/summary.ts";
import type { Heading } from "./words.ts";

/**
 * A report as one file for a browser: no script, nothing fetched, and a content security policy that would
 * not have it otherwise.
 */
export function reportHtml(report: ReplayReport, heading: Heading): string {
  const policy = `default-src 'none'; style-src 'sha256-${hash("sha256", STYLE, "base64")}'; base-uri 'none'; form-action 'none'`;
  return markup`${trusted("<!doctype html>")}
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<title>${heading.title} · replay report</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
${header(report, heading)}
<main>
${groupsSection(report.groups, report.compared)}
${measuresSection(report.duration, report.memory)}
${skippedSection(report)}
${explanation()}
</main>
<footer>Made by <code>nexus replay</code>. Outputs, logs and effects of functions are shown as they were, with what steers a terminal or a page made visible.</footer>
</body>
</html>
`.markup;
}
