import type { RunResult } from "../protocol.ts";

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/** Cuts a byte stream into lines with their time. One serves many runs. */
export class LogLines {
  readonly #decoder = new TextDecoder();
  #lines: RunResult["logs"][number][] = [];
  #partial: Uint8Array[] = [];
  #bytesLeft = 0;
  #linesLeft = 0;
  truncated = false;

  begin(limits: { readonly logBytes: number; readonly logLines: number }): void {
    this.#lines = [];
    this.#partial = [];
    this.#bytesLeft = limits.logBytes;
    this.#linesLeft = limits.logLines;
    this.truncated = false;
  }

  write(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length && !this.truncated) {
      const feed = bytes.indexOf(LINE_FEED, at);
      this.#keep(bytes.subarray(at, feed === -1 ? bytes.length : feed));
      if (feed === -1) return;
      this.#endLine();
      at = feed + 1;
    }
  }

  /** All lines; a last one without its line feed counts as one. */
  take(): RunResult["logs"] {
    if (this.#partial.length > 0) this.#endLine();
    return this.#lines;
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#linesLeft === 0) {
      this.truncated = true;
      return;
    }
    const keep = Math.min(bytes.length, this.#bytesLeft);
    this.#bytesLeft -= keep;
    // A copy: the guest goes on writing where these bytes lie.
    if (keep > 0) this.#partial.push(bytes.slice(0, keep));
    if (keep < bytes.length) this.truncated = true;
  }

  #endLine(): void {
    if (this.#linesLeft === 0) {
      this.truncated = true;
      return;
    }
    this.#linesLeft -= 1;
    this.#lines.push({ time: new Date().toISOString(), text: this.#text() });
    this.#partial = [];
  }

  #text(): string {
    const [first, second] = this.#partial;
    if (first === undefined) return "";
    const whole = second === undefined ? first : Buffer.concat(this.#partial);
    const end = whole.at(-1) === CARRIAGE_RETURN ? whole.length - 1 : whole.length;
    return this.#decoder.decode(whole.subarray(0, end));
  }
}
