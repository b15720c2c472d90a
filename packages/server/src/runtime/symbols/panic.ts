import type { TrapFrame } from "../../core/invocation.ts";

/** Functions that a language's own way of giving up goes through; who called them is what a reader wants. */
const GIVES_UP =
  /^(?:_*rust_|_*rg_oom|rust_eh_|std::panicking::|std::process::abort|std::alloc::|std::sys(?:_common)?::|core::panicking::|core::(?:option|result)::(?:expect_|unwrap_)|core::slice::index::slice_|core::str::slice_error|alloc::alloc::|alloc::raw_vec::|<?(?:panic_abort|panic_unwind)::|_?_?abort$|__assert_fail$|~lib\/builtins\/abort)/;

/** Functions that come before an author's first. */
const ENTERS =
  /^(?:_start|__main_void|__main_argc_argv|__original_main|std::rt::|std::panicking::|std::panic::|std::sys(?:_common)?::|<?core::ops::function::)/;

/** The frames of the author's own functions; all, where there are none. */
export function authorsFrames(frames: readonly TrapFrame[]): readonly TrapFrame[] {
  const first = frames.findIndex(({ function: name }) => !GIVES_UP.test(name));
  if (first === -1) return frames;
  const last = frames.findLastIndex(({ function: name }) => !ENTERS.test(name));
  return last < first ? frames.slice(first) : frames.slice(first, last + 1);
}
