import { NexusError } from "../core/errors.ts";
import { MOST_KEY_BYTES, NAMESPACE } from "./state.ts";

/** Throws a TypeError where it is none: no guest and no request names a namespace. */
export function checkNamespace(namespace: string): void {
  if (!NAMESPACE.test(namespace)) throw new TypeError(`Not a namespace: ${namespace}`);
}

/** STATE_KEY_INVALID, STATE_TOO_LARGE, and as `checkNamespace` throws. */
export function checkKey(namespace: string, key: string): void {
  checkNamespace(namespace);
  checkText(key, "key");
  if (key === "") {
    throw new NexusError("STATE_KEY_INVALID", "Cannot use state key: it is empty");
  }
  const bytes = Buffer.byteLength(key);
  if (bytes > MOST_KEY_BYTES) {
    throw new NexusError(
      "STATE_TOO_LARGE",
      `Cannot use state key: it has ${bytes} bytes, and at most ${MOST_KEY_BYTES} are kept`,
      { details: { limit: MOST_KEY_BYTES } },
    );
  }
}

/** STATE_KEY_INVALID where UTF-8 has no bytes for it: two such keys would be one. */
export function checkText(text: string, what: "key" | "prefix"): void {
  if (text.isWellFormed()) return;
  throw new NexusError(
    "STATE_KEY_INVALID",
    `Cannot use state ${what}: it has half of a surrogate pair, which is no text`,
  );
}

/** STATE_TOO_LARGE. */
export function checkValue(key: string, value: Uint8Array, maxBytes: number): void {
  if (value.length <= maxBytes) return;
  throw new NexusError(
    "STATE_TOO_LARGE",
    `Cannot keep state "${key}": its value has ${value.length} bytes, and at most ${maxBytes} are kept`,
    { details: { limit: maxBytes } },
  );
}
