import { VERDICTS, type Verdict } from "@nexus-functions/server/replay/compare";
import type { ReplayReport } from "@nexus-functions/server/replay/report";
import {
  type Heading,
  skippedText,
  VERDICT_MEANINGS,
  VERDICT_WORDS,
  verdictSentence,
} from "../words.ts";
import { markup, type Markup, NOTHING } from "./markup.ts";

/** What a reader wants to know first: how many runs differ, and of what all this is. */
export function header(report: ReplayReport, { title, facts }: Heading): Markup {
  const good = report.compared > 0 && report.counts.same === report.compared;
  return markup`<header>
    <p class="eyebrow">Nexus Functions · replay report</p>
    <h1>${title}</h1>
    <dl class="facts">
      ${facts.map(
        ([name, value]) =>
          markup`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
    <div class="verdict ${good ? "good" : "bad"}">
      <p class="sentence">
        <span class="mark" aria-hidden="true">${good ? "✓" : "✗"}</span> ${verdictSentence(report)}
      </p>
      ${report.compared === 0 ? NOTHING : countsBar(report)}
      ${report.compared === 0 ? NOTHING : legend(report)}
    </div>
  </header>`;
}

const SVG_WIDTH = 1000;

// Not to scale where a part would be too narrow to be seen.
function countsBar({ counts, compared }: ReplayReport): Markup {
  const present = VERDICTS.filter((verdict) => counts[verdict] > 0);
  const wide = present.map((verdict) => Math.max(8, (SVG_WIDTH * counts[verdict]) / compared));
  const scale = SVG_WIDTH / wide.reduce((sum, width) => sum + width, 0);
  let x = 0;
  const parts = present.map((verdict, index) => {
    const part = markup`<rect
      class="${verdict}"
      x="${x.toFixed(2)}"
      width="${(wide[index]! * scale).toFixed(2)}"
      height="10"
    />`;
    x += wide[index]! * scale;
    return part;
  });
  return markup`<svg
    class="bar"
    viewBox="0 0 ${SVG_WIDTH} 10"
    preserveAspectRatio="none"
    aria-hidden="true"
  >
    ${parts}
  </svg>`;
}

/** The counts; those of groups are boxes to tick: what is not ticked is not shown. No script is needed for it. */
function legend({ counts, groups }: ReplayReport): Markup {
  const present = VERDICTS.filter((verdict) => counts[verdict] > 0 || verdict === "same");
  const several = new Set(groups.map(({ verdict }) => verdict)).size > 1;
  return markup`<ul class="legend">
    ${present.map((verdict) => {
      const words = markup`<b>${counts[verdict].toLocaleString("en-US")}</b>
        ${VERDICT_WORDS[verdict]}`;
      const choice =
        several && verdict !== "same"
          ? markup`<label
              ><input type="checkbox" class="show" id="show-${verdict}" checked /><i class="dot"></i
              >${words}</label
            >`
          : markup`<span><i class="dot"></i>${words}</span>`;
      return markup`<li class="${verdict}" title="${VERDICT_MEANINGS[verdict]}">${choice}</li>`;
    })}
  </ul>`;
}

export function skippedSection({ skipped }: ReplayReport): Markup {
  if (skipped.length === 0) return NOTHING;
  const total = skipped.reduce((sum, { count }) => sum + count, 0);
  return markup`<section aria-labelledby="skipped">
    <h2 id="skipped">Not run again <small>${total.toLocaleString("en-US")}</small></h2>
    <div class="card">
      <table class="skipped">
        <caption class="unseen">
          Why runs were not made again
        </caption>
        <thead>
          <tr>
            <th scope="col">Runs</th>
            <th scope="col">Why</th>
            <th scope="col">First</th>
          </tr>
        </thead>
        <tbody>
          ${skipped.map(
            (one) =>
              markup`<tr>
                <td>${one.count.toLocaleString("en-US")}</td>
                <td>${skippedText(one)}</td>
                <td>${one.invocation_ids.map((id) => markup`<code class="id">${id}</code> `)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

export function explanation(): Markup {
  const rows: readonly Verdict[] = VERDICTS;
  return markup`<section aria-labelledby="reading" class="reading">
    <h2 id="reading">How to read this</h2>
    <dl>
      ${rows.map(
        (verdict) =>
          markup`<div class="${verdict}">
            <dt><i class="dot"></i>${VERDICT_WORDS[verdict]}</dt>
            <dd>${VERDICT_MEANINGS[verdict]}</dd>
          </div>`,
      )}
    </dl>
    <p>
      Runs that differ in the same way are one group: the same paths of JSON, lines of the log,
      effects and errors, whatever the numbers, ids and times in them (<code>&lt;n&gt;</code>,
      <code>&lt;id&gt;</code>, <code>&lt;time&gt;</code>). Signs: <code>+</code> appears,
      <code>-</code> vanishes, <code>~</code> changes, <code>↕</code> comes in another order,
      <code>≈</code> is written in another way and means the same. In a difference,
      <code>-</code> is what was recorded and <code>+</code> what came of it now.
    </p>
  </section>`;
}
