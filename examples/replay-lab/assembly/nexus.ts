// What a function and the platform say to each other, in AssemblyScript. This file is yours: change it
// as you like. A function needs none of it; standard input, output and error are enough.

/** The event that this invocation is about: a CloudEvent as JSON text, all of standard input. */
export function readEvent(): string {
  const chunk = new ArrayBuffer(16384);
  let bytes = new Uint8Array(16384);
  let length = 0;
  while (true) {
    const read = process.stdin.read(chunk);
    if (read <= 0) break;
    if (length + read > bytes.length) {
      const larger = new Uint8Array(max(bytes.length * 2, length + read));
      larger.set(bytes);
      bytes = larger;
    }
    memory.copy(bytes.dataStart + length, changetype<usize>(chunk), read);
    length += read;
  }
  return String.UTF8.decodeUnsafe(bytes.dataStart, length);
}

/** Standard output: the answer, kept in the invocation's record. */
export function answer(text: string): void {
  process.stdout.write(text);
}

/** Standard error: one line of the invocation's log. (`console.log` writes to standard output.) */
export function log(line: string): void {
  process.stderr.write(line + "\n");
}

/** Ends the invocation as failed: it is tried again as `retry` in nexus.yaml says. */
export function fail(message: string): void {
  log(message);
  process.exit(1);
}

/** A variable of the environment: `env` in nexus.yaml, and what the platform sets. */
export function variable(name: string, otherwise: string = ""): string {
  const env = process.env;
  return env.has(name) ? env.get(name) : otherwise;
}

// @ts-ignore: decorator
@external("nexus", "emit")
declare function nexus_emit(pointer: usize, length: usize): i32;

/**
 * Emits an event: a CloudEvent as JSON text, in which only `type` has to be there. It is appended
 * when this invocation succeeds, and not otherwise. False if the platform did not take it.
 */
export function emit(event: string): bool {
  const bytes = String.UTF8.encode(event);
  return nexus_emit(changetype<usize>(bytes), bytes.byteLength) == 0;
}
