import type { Measure, Quantiles, Taken } from "@nexus-functions/server/replay/report";
import {
  amount,
  differenceText,
  highestOthers,
  noiseText,
  ONE_RUN_EACH,
  QUANTILES,
  standingOut,
} from "../words.ts";
import { markup, type Markup, NOTHING } from "./markup.ts";

export function measuresSection(duration: Measure, memory: Measure): Markup {
  if (duration.highest.length === 0) return NOTHING;
  return markup`<section aria-labelledby="took">
    <h2 id="took">Duration and memory</h2>
    <div class="measures">
      ${measureCard("Duration", duration, "Slowest now")}
      ${measureCard("Memory", memory, "Most memory now")}
    </div>
    <p class="quiet">${ONE_RUN_EACH}</p>
  </section>`;
}

function measureCard(title: string, measure: Measure, highestTitle: string): Markup {
  const { largest_changes: changes } = measure;
  return markup`<div class="card">
    <h3>${title} <small>${standingOut(measure)}</small></h3>
    ${quantilesTable(measure)} ${takenTable("Largest changes", changes, measure)}
    ${takenTable(highestTitle, highestOthers(measure), measure)}
    <p class="quiet">${noiseText(measure)}</p>
  </div>`;
}

function quantilesTable({ recorded, candidate, unit }: Measure): Markup {
  if (recorded.max === null) return NOTHING;
  const row = (name: string, values: Quantiles, kind: string): Markup =>
    markup`<tr class="${kind}">
      <th scope="row">${name}</th>
      ${QUANTILES.map((quantile) => markup`<td>${amount(values[quantile] ?? 0, unit)}</td>`)}
    </tr>`;
  const bars = QUANTILES.map((quantile) => pairOfBars(recorded[quantile], candidate[quantile]));
  return markup`<table class="quantiles">
    <caption class="unseen">
      How it spread
    </caption>
    <thead>
      <tr>
        <td></td>
        ${QUANTILES.map((quantile) => markup`<th scope="col">${quantile}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${row("recorded", recorded, "was")}${row("now", candidate, "is")}
      <tr class="bars" aria-hidden="true">
        <td></td>
        ${bars.map((bar) => markup`<td>${bar}</td>`)}
      </tr>
    </tbody>
  </table>`;
}

function pairOfBars(was: number | null, is: number | null): Markup {
  const most = Math.max(was ?? 0, is ?? 0, Number.MIN_VALUE);
  const wide = (value: number | null): string => ((100 * (value ?? 0)) / most).toFixed(1);
  return markup`<svg class="pair" viewBox="0 0 100 15" preserveAspectRatio="none">
    <rect class="was" width="${wide(was)}" height="6" />
    <rect class="is" y="9" width="${wide(is)}" height="6" />
  </svg>`;
}

function takenTable(title: string, rows: readonly Taken[], { unit, ...measure }: Measure): Markup {
  // Only what is beyond noise has a colour.
  const kind = rows === measure.largest_changes ? "taken beyond" : "taken";
  if (rows.length === 0) return NOTHING;
  return markup`<div class="scroll" tabindex="0" role="group" aria-label="${title}">
    <table class="${kind}">
      <caption>
        ${title}
      </caption>
      <thead>
        <tr>
          <th scope="col">Invocation</th>
          <th scope="col">Recorded</th>
          <th scope="col">Now</th>
          <th scope="col">Change</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            markup`<tr>
              <td>
                <code class="id" title="${row.event_type}, event ${row.event_id}"
                  >${row.invocation_id}</code
                >
              </td>
              <td>${amount(row.recorded, unit)}</td>
              <td>${amount(row.candidate, unit)}</td>
              <td class="${row.difference > 0 ? "up" : "down"}">${differenceText(row, unit)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
