import { VERDICTS } from "@nexus-functions/server/replay/compare";

const FILTERS = VERDICTS.map(
  (verdict) => `body:has(#show-${verdict}:not(:checked)) .group.${verdict} { display: none; }`,
).join("\n");

/** The page's whole look. Light or dark as the reader's system is; on paper all is unfolded. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f5f6f8; --card: #fff; --sunk: #f8f9fb; --line: #dfe3ea; --text: #171c26; --quiet: #59637a;
  --link: #2458c7;
  --newly_failing: #c2253b; --newly_failing-soft: #fdebee;
  --diverged: #7b3fc4; --diverged-soft: #f3ecfc;
  --changed: #a35a00; --changed-soft: #fff2dc;
  --newly_passing: #0f7668; --newly_passing-soft: #e1f5f1;
  --same: #8c96a8; --same-soft: #eef0f4;
  --del-mark: #ffc4cb; --ins-mark: #b3e8c3;
  --del: #ffecee; --del-text: #96152a; --ins: #e5f7ea; --ins-text: #0c5c2b; --place: #2458c7;
  --was: #a9b3c4; --is: #3d6fd8;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e1116; --card: #161b23; --sunk: #11151c; --line: #2a313d; --text: #e4e8ef; --quiet: #97a2b6;
    --link: #84adff;
    --newly_failing: #ff7b8b; --newly_failing-soft: #3a161d;
    --diverged: #c49bff; --diverged-soft: #2a1c40;
    --changed: #f2b04a; --changed-soft: #36260b;
    --newly_passing: #4fd1bd; --newly_passing-soft: #0c302b;
    --same: #6f7b90; --same-soft: #20262f;
    --del-mark: #7a2432; --ins-mark: #1d6139;
    --del: #3b151c; --del-text: #ffb3bd; --ins: #0f3220; --ins-text: #a4ecbd; --place: #84adff;
    --was: #566176; --is: #6f9cff;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 2.5rem clamp(1rem, 4vw, 3rem) 4rem; max-width: 76rem;
  background: var(--page); color: var(--text);
  font: 0.9375rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
h1, h2, h3, p, dl, dd, figure, ul { margin: 0; padding: 0; }
h1 { font-size: 1.75rem; line-height: 1.2; letter-spacing: -0.015em; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; letter-spacing: -0.01em; margin: 2.75rem 0 0.9rem; }
h3 { font-size: 0.9375rem; margin: 1.4rem 0 0.5rem; }
small { font-size: 0.8125rem; font-weight: 400; color: var(--quiet); margin-left: 0.5em; letter-spacing: 0; }
code, pre { font-family: var(--mono); font-size: 0.8125rem; }
code { overflow-wrap: anywhere; }
.quiet { color: var(--quiet); font-size: 0.8125rem; }
code.id { user-select: all; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 4px; }

.eyebrow { color: var(--quiet); font-size: 0.8125rem; margin-bottom: 0.4rem; }
.facts { display: flex; flex-wrap: wrap; gap: 0.5rem 2rem; margin: 0.9rem 0 1.5rem; }
.facts dt { color: var(--quiet); font-size: 0.75rem; }
.facts dd { overflow-wrap: anywhere; }
.verdict { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1.25rem 1.5rem 1.1rem; }
.sentence { font-size: 1.35rem; font-weight: 650; letter-spacing: -0.01em; }
.good .mark { color: var(--newly_passing); }
.bad .mark { color: var(--newly_failing); }
.bar { display: block; width: 100%; height: 12px; margin: 0.9rem 0 0.8rem; border-radius: 6px; overflow: hidden; background: var(--same-soft); }
${VERDICTS.map((verdict) => `.bar .${verdict} { fill: var(--${verdict}); } .${verdict} { --tone: var(--${verdict}); --soft: var(--${verdict}-soft); }`).join("\n")}
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 0.35rem 1.4rem; }
.legend label { cursor: pointer; }
.legend b { font-variant-numeric: tabular-nums; }
.legend .show { margin: 0 0.45em 0 0; accent-color: var(--tone); vertical-align: -1px; }
.legend .show + .dot { display: none; }
.dot { display: inline-block; width: 0.65em; height: 0.65em; border-radius: 3px; background: var(--tone); margin-right: 0.5em; }

details.group { background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--tone); border-radius: 10px; margin-bottom: 0.75rem; }
summary { cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary::before { content: ""; flex: none; width: 0.45em; height: 0.45em; border: solid var(--quiet); border-width: 0 2px 2px 0; transform: rotate(-45deg); margin: 0 0.35em 0.1em 0; display: inline-block; }
details[open] > summary::before { transform: rotate(45deg); }
.group > summary { display: flex; align-items: center; gap: 0.75rem; padding: 0.8rem 1.1rem; }
.badge { flex: none; background: var(--soft); color: var(--tone); font-size: 0.75rem; font-weight: 600; padding: 0.12rem 0.55rem; border-radius: 99px; }
.headline { flex: 1; min-width: 0; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; }
.aspect { color: var(--quiet); font-size: 0.8125rem; }
.count { flex: none; color: var(--quiet); font-size: 0.8125rem; font-variant-numeric: tabular-nums; }
.count b { color: var(--text); font-size: 0.9375rem; }
.body { border-top: 1px solid var(--line); padding: 0.9rem 1.1rem 1.1rem; }
.about { margin-bottom: 0.8rem; }

table { border-collapse: collapse; }
th { text-align: left; font-weight: 500; }
.changes th { color: var(--quiet); font-size: 0.8125rem; padding: 0.1rem 1rem 0.1rem 0; vertical-align: top; white-space: nowrap; }
.changes td { padding: 0.1rem 0; vertical-align: top; }
.changes .sign { font-family: var(--mono); font-weight: 700; padding-right: 0.6rem; color: var(--quiet); }
.changes .added .sign { color: var(--ins-text); }
.changes .removed .sign { color: var(--del-text); }
.changes .changed .sign { color: var(--changed); }

.example { border: 1px solid var(--line); border-radius: 8px; margin-top: 0.5rem; padding: 0.5rem 0.8rem; background: var(--sunk); }
.example > p { margin: 0.2rem 0 0.3rem; }
.diff { margin: 0.7rem 0 0.3rem; }
.diff figcaption { font-size: 0.75rem; font-weight: 600; color: var(--quiet); margin-bottom: 0.25rem; }
.diff pre { margin: 0; padding: 0.4rem 0; background: var(--card); border: 1px solid var(--line); border-radius: 6px; overflow-x: auto; line-height: 1.5; tab-size: 4; }
.l { display: block; width: max-content; min-width: 100%; padding: 0 0.9rem 0 0; }
.s { display: inline-block; width: 1.9rem; text-align: center; user-select: none; opacity: 0.75; }
.l.removed { background: var(--del); color: var(--del-text); }
.l.added { background: var(--ins); color: var(--ins-text); }
.l b { font-weight: 600; border-radius: 2px; }
.l.removed b { background: var(--del-mark); }
.l.added b { background: var(--ins-mark); }
.l.place { color: var(--place); }
.l.left-out { color: var(--quiet); font-style: italic; }

.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.2rem; }
.card h3 { margin-top: 0; }
.measures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 33rem), 1fr)); gap: 0.75rem; margin-bottom: 0.6rem; }
.quantiles { width: 100%; table-layout: fixed; margin-bottom: 0.4rem; font-variant-numeric: tabular-nums; }
.quantiles td, .quantiles thead th { text-align: right; padding: 0.1rem 0 0.1rem 1rem; }
.quantiles thead th, .quantiles tbody th { color: var(--quiet); font-size: 0.8125rem; }
.quantiles .is td { font-weight: 600; }
.quantiles tbody .was th::before, .quantiles tbody .is th::before { content: ""; display: inline-block; width: 0.65em; height: 0.65em; border-radius: 3px; margin-right: 0.5em; background: var(--was); }
.quantiles tbody .is th::before { background: var(--is); }
.pair { display: block; width: 100%; height: 14px; }
.pair .was { fill: var(--was); }
.pair .is { fill: var(--is); }
.scroll { overflow-x: auto; }
.taken { width: 100%; margin: 0.7rem 0 0.3rem; font-size: 0.8125rem; font-variant-numeric: tabular-nums; }
.taken caption { text-align: left; font-weight: 600; padding-bottom: 0.2rem; }
.taken th { color: var(--quiet); }
.taken th, .taken td { padding: 0.2rem 0 0.2rem 1rem; text-align: right; white-space: nowrap; border-top: 1px solid var(--line); }
.taken th:first-child, .taken td:first-child { text-align: left; padding-left: 0; }
.taken td:first-child code { font-size: 0.75rem; }
.beyond .up { color: var(--newly_failing); }
.beyond .down { color: var(--newly_passing); }
.skipped { width: 100%; }
.skipped th { color: var(--quiet); font-size: 0.8125rem; }
.skipped th, .skipped td { padding: 0.2rem 1.2rem 0.2rem 0; vertical-align: top; }
.skipped td:first-child { font-variant-numeric: tabular-nums; font-weight: 600; }
.reading { color: var(--quiet); font-size: 0.8125rem; }
.reading h2 { color: var(--text); }
.reading dl { display: grid; gap: 0.2rem; margin-bottom: 0.7rem; }
.reading dl div { display: grid; grid-template-columns: 8.5rem 1fr; }
.reading dt { color: var(--text); }
footer { margin-top: 2.5rem; padding-top: 0.8rem; border-top: 1px solid var(--line); color: var(--quiet); font-size: 0.8125rem; }
${FILTERS}
@media (max-width: 40rem) {
  .group > summary { flex-wrap: wrap; }
  .headline { order: 3; flex-basis: 100%; }
  .reading dl div { grid-template-columns: 1fr; }
}
@media print {
  :root { color-scheme: light; }
  body { max-width: none; padding: 0; background: #fff; font-size: 9.5pt; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  details::details-content { content-visibility: visible; display: block; height: auto; }
  summary::before, .show { display: none; }
  .legend .show + .dot { display: inline-block; }
  .l { width: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
  .group, .card, .verdict { break-inside: auto; }
  h2, h3, summary, figcaption { break-after: avoid; }
  .l, tr { break-inside: avoid; }
}
`;
