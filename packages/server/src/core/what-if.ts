/** What is to be otherwise in a run that is made again. The names are those of the HTTP API. */
export interface WhatIf {
  /** Values at places of the event: `data.amount`, `subject`. A place that is not there is made. */
  readonly set_data?: Readonly<Record<string, unknown>> | undefined;
  /** When the run begins, RFC 3339: its clocks of real time go on from there as they did. */
  readonly set_clock?: string | undefined;
  /** Answers of host calls that the host answered, by their number from 1 in the recorded run. */
  readonly set_calls?: Readonly<Record<string, WhatAnswer>> | undefined;
}

/** An error, or what `fetch` (`status`, `headers`, `body`) or `kv_get` (`value`) gives. Text is given as it is, all else as JSON. */
export interface WhatAnswer {
  /** Its name in WASI preview 1: `noent`, `timedout`. */
  readonly errno?: string | undefined;
  readonly status?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: unknown;
  readonly value?: unknown;
}
