import { setFlagsFromString } from "node:v8";

/**
 * V8's settings for guests; to be called before the first module is compiled and the first guest
 * thread is made. They hold for the whole process.
 */
export function setUpEngine(): void {
  // An instance and its exports live in V8's old space, which begins so small that a busy thread would
  // collect all of it five times a second: 41 to 24 µs of the thread's time a call.
  setFlagsFromString("--initial-old-space-size=64");
  // With dynamic tiering (V8 14, Node 26), code of the first tier looks for an end from outside only when
  // its budget is used up: a loop of large fills ran on for seconds after its thread was to end. Without
  // it, what is run once is compiled by the second tier in the background, which warms a version up, too.
  setFlagsFromString("--no-wasm-dynamic-tiering");
}
