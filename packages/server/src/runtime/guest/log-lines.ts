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
  /** Where the line under way begins. */
  #lineAt = 0;

  constructor(bytes: SharedBytes, lines: SharedBytes, { counts }: JournalFacts) {
    this.#bytes = bytes;
    this.#lines = lines;
    this.#counts = counts;
  }

  begin(limits: { readonly logBytes: number; readonly logLines: number }): void {
    this.#bytesLeft = Math.min(limits.logBytes, this.#bytes.room);
    this.#linesLeft = Math.min(limits.logLines, this.#lines.room / (LINE.size * NUMBER_BYTES));
    this.#truncated = false;
    this.#lineAt = 0;
  }

  /** `level`: of the lines that end here, as LINE has it. */
  write(bytes: Uint8Array, level = 0): void {
    let at = 0;
    while (at < bytes.length && !this.#truncated) {
      const feed = bytes.indexOf(LINE_FEED, at);
      this.#keep(bytes.subarray(at, feed === -1 ? bytes.length : feed));
      if (feed === -1) return;
      this.#endLine(level);
      at = feed + 1;
    }
  }

  /** Lines of their own, all with this level. What was written before and has no end is a line before them. */
  log(bytes: Uint8Array, level: number): void {
    if (this.#truncated) return;
    if (this.#bytes.length > this.#lineAt) this.#endLine();
    this.write(bytes, level);
    // Also a line that was cut has its level.
    const open = this.#bytes.length > this.#lineAt;
    if (open || (bytes.at(-1) !== LINE_FEED && !this.#truncated)) this.#endLine(level);
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

  #endLine(level = 0): void {
    if (this.#linesLeft === 0) {
      this.#truncate(TOO_MANY_LINES);
      return;
    }
    this.#linesLeft -= 1;
    this.#entry[LINE.end] = this.#bytes.length;
    this.#entry[LINE.time] = Date.now();
    this.#entry[LINE.level] = level;
    this.#lineAt = this.#bytes.length;
    this.#lines.append(this.#entryBytes);
  }

  #truncate(limit: number): void {
    this.#truncated = true;
    Atomics.or(this.#counts, FACT.limits, limit);
  }
}
