import { FACT, LIMIT_NAMES, LINE, NUMBER_BYTES, type JournalFacts } from "../journal.ts";
import type { SharedBytes } from "./shared-bytes.ts";

const LINE_FEED = 10;
const TOO_MANY_LINES = 1 << LIMIT_NAMES.indexOf("log_lines");
const TOO_MANY_BYTES = 1 << LIMIT_NAMES.indexOf("logs");

/** Cuts a byte stream into lines with their time. One serves many runs. */
export class LogLines {
  readonly #bytes: SharedBytes;
  readonly #lines: SharedBytes;
  readonly #counts: JournalFacts["counts"];
  readonly #entry = new Float64Array(LINE.size);
  readonly #entryBytes = new Uint8Array(this.#entry.buffer);
  #bytesLeft = 0;
  #linesLeft = 0;
  #truncated = false;

  constructor(bytes: SharedBytes, lines: SharedBytes, { counts }: JournalFacts) {
    this.#bytes = bytes;
    this.#lines = lines;
    this.#counts = counts;
  }

  begin(limits: { readonly logBytes: number; readonly logLines: number }): void {
    this.#bytesLeft = Math.min(limits.logBytes, this.#bytes.room);
    this.#linesLeft = Math.min(limits.logLines, this.#lines.room / (LINE.size * NUMBER_BYTES));
    this.#truncated = false;
  }

  write(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length && !this.#truncated) {
      const feed = bytes.indexOf(LINE_FEED, at);
      this.#keep(bytes.subarray(at, feed === -1 ? bytes.length : feed));
      if (feed === -1) return;
      this.#endLine();
      at = feed + 1;
    }
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#linesLeft === 0) {
      this.#truncate(TOO_MANY_LINES);
      return;
    }
    const keep = Math.min(bytes.length, this.#bytesLeft);
    this.#bytesLeft -= keep;
    if (keep > 0) this.#bytes.append(bytes.subarray(0, keep));
    if (keep < bytes.length) this.#truncate(TOO_MANY_BYTES);
  }

  #endLine(): void {
    if (this.#linesLeft === 0) {
      this.#truncate(TOO_MANY_LINES);
      return;
    }
    this.#linesLeft -= 1;
    this.#entry[LINE.end] = this.#bytes.length;
    this.#entry[LINE.time] = Date.now();
    this.#lines.append(this.#entryBytes);
  }

  #truncate(limit: number): void {
    this.#truncated = true;
    Atomics.or(this.#counts, FACT.limits, limit);
  }
}
