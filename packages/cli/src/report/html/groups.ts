import type { PartDiff } from "@nexus-functions/server/replay/example-diff";
import type { Example, Group } from "@nexus-functions/server/replay/report";
import { counted } from "../../text.ts";
import { type DiffRow, diffRows } from "../diff-lines.ts";
import {
  ASPECT_WORDS,
  CHANGE_SIGNS,
  changeText,
  PART_WORDS,
  VERDICT_MEANINGS,
  VERDICT_WORDS,
} from "../words.ts";
import { LINE_END, markup, type Markup, NOTHING } from "./markup.ts";

/** How many are unfolded when the page opens. */
const OPEN = 2;

/** Runs that differ in the same way, one box each, the largest first. */
export function groupsSection(groups: readonly Group[], compared: number): Markup {
  if (groups.length === 0) return NOTHING;
  return markup`<section aria-labelledby="differences">
    <h2 id="differences">Differences <small>${counted(groups.length, "way")} to differ</small></h2>
    ${groups.map((group, index) => groupBox(group, { compared, open: index < OPEN }))}
  </section>`;
}

function groupBox(
  group: Group,
  { compared, open }: { readonly compared: number; readonly open: boolean },
): Markup {
  const { verdict, changes, examples, count } = group;
  return markup`<details class="group ${verdict}" id="g-${group.id}" ${open ? markup` open` : NOTHING}>
    <summary>
      <span class="badge">${VERDICT_WORDS[verdict]}</span>
      <span class="headline">${headline(group)}</span>
      <span class="count"
        ><b>${count.toLocaleString("en-US")}</b> ${shareText(count, compared)}</span
      >
    </summary>
    <div class="body">
      <p class="about">
        ${counted(count, "run")} of <b>${group.function}</b>: ${VERDICT_MEANINGS[verdict]}.
        <code class="quiet">${group.id}</code>
      </p>
      <table class="changes">
        <caption class="unseen">
          What differs
        </caption>
        <tbody>
          ${changes.map(
            (change) =>
              markup`<tr class="${change.change}">
                <th scope="row">${ASPECT_WORDS[change.aspect]}</th>
                <td class="sign">
                  <span role="img" aria-label="${change.change}" title="${change.change}">${CHANGE_SIGNS[change.change]}</span>
                </td>
                <td><code>${changeText(change)}</code></td>
              </tr>`,
          )}
        </tbody>
      </table>
      ${group.more_changes ? markup`<p class="quiet">And more.</p>` : NOTHING}
      ${group.mixed ? markup`<p class="quiet">There are more ways to differ than are told apart: these runs have in common which parts differ, and not how.</p>` : NOTHING}
      <h3>
        ${examples.length === count ? counted(count, "run") : `First ${examples.length} of ${counted(count, "run")}`}
      </h3>
      ${examples.map((example, index) => exampleBox(example, index === 0))}
    </div>
  </details>`;
}

// What a reader would call the group: its first change that says more than the verdict does.
function headline({ changes, verdict }: Group): Markup {
  const telling =
    verdict === "changed" ? changes : changes.toSorted((one, other) => rank(one) - rank(other));
  const [first] = telling;
  if (first === undefined) return markup`<code>${VERDICT_WORDS[verdict]}</code>`;
  const rest = changes.length - 1;
  return markup`<span class="aspect">${ASPECT_WORDS[first.aspect]}</span>
    <code>${CHANGE_SIGNS[first.change]} ${changeText(first)}</code
    >${rest === 0 ? NOTHING : markup` <span class="quiet">and ${rest} more</span>`}`;
}

// Of a run that ended otherwise: why, then the rest. An exit code says less than the log.
function rank({ aspect, what }: Group["changes"][number]): number {
  if (aspect === "error") return what.startsWith("FUNCTION_FAILED") ? 1 : 0;
  return aspect === "log" ? 0 : 2;
}

function shareText(count: number, compared: number): string {
  const share = (100 * count) / compared;
  if (share < 0.1) return "(< 0.1 %)";
  return `(${share >= 10 ? Math.round(share) : Number(share.toPrecision(2))} %)`;
}

function exampleBox(example: Example, open: boolean): Markup {
  return markup`<details class="example" ${open ? markup` open` : NOTHING}>
    <summary>
      <code>${example.event_type}</code> <code class="quiet">${example.event_id}</code>
    </summary>
    <p class="quiet">
      Invocation <code class="id">${example.invocation_id}</code>, position ${example.position} in
      the log
    </p>
    ${example.diff.map(diffBox)}
  </details>`;
}

function diffBox({ part, lines }: PartDiff): Markup {
  return markup`<figure class="diff">
    <figcaption>${PART_WORDS[part]}</figcaption>
    <pre tabindex="0" role="group" aria-label="Difference of ${PART_WORDS[part]}">
${diffRows(lines).map(rowMarkup)}</pre>
  </figure>`;
}

function rowMarkup({ kind, sign, text: [before, differs, after] }: DiffRow): Markup {
  const mark = differs === "" ? NOTHING : markup`<b>${differs}</b>`;
  return markup`<span class="l ${kind}"
    ><span class="s">${sign}</span>${before}${mark}${after}${LINE_END}</span
  >`;
}
