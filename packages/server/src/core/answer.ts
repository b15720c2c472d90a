import { NexusError, type ErrorCode } from "./errors.ts";

/** The header that names a call's invocation, over HTTP and over NATS. */
export const INVOCATION_ID = "nexus-invocation-id";

/**
 * Why a call of a function has no answer. Without the guest's words: whoever calls may be a stranger.
 * The record has them.
 */
export function functionFailed(name: string, invocationId: string, code: ErrorCode): NexusError {
  return new NexusError(
    ANSWERED_AS[code] ?? code,
    `Cannot answer: function "${name}" did not succeed; invocation ${invocationId} has the record`,
    { details: { headers: { [INVOCATION_ID]: invocationId } } },
  );
}

/** A record's code where another one fits the caller better. */
const ANSWERED_AS: Partial<Record<ErrorCode, ErrorCode>> = { MODULE_INVALID: "FUNCTION_TRAPPED" };

/** `limit`: whose it is, in words. */
export function outputTooLong(
  name: string,
  invocationId: string,
  limit = "its output limit",
): NexusError {
  return new NexusError(
    "FUNCTION_OUTPUT_INVALID",
    `Cannot answer: function "${name}" wrote more than ${limit}; invocation ${invocationId} has the record`,
    { details: { headers: { [INVOCATION_ID]: invocationId } } },
  );
}
