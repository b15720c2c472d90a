import type { MsgHdrs } from "@nats-io/transport-node";
import type { Headers } from "../core/ce-headers.ts";
import { NexusError } from "../core/errors.ts";

/** What has headers: a message of core NATS or of JetStream. */
export interface WithHeaders {
  readonly headers?: MsgHdrs | undefined;
}

const ATTRIBUTE = "ce-";

/**
 * A message's headers, names in lower case (NATS binding, section 3.1.3.1: they are case-insensitive),
 * repeated ones joined with `, `. EVENT_INVALID where a name cannot be one, an attribute is there twice,
 * or its value is not UTF-8.
 */
export function readHeaders(message: WithHeaders): Headers {
  const found: Record<string, string> = {};
  for (const [given, values] of parsed(message)) {
    const name = given.toLowerCase();
    const value = values.join(", ");
    const before = Object.hasOwn(found, name) ? found[name] : undefined;
    if (name.startsWith(ATTRIBUTE)) {
      if (before !== undefined || values.length > 1) throw wrong(name, "must be there once");
      // What is no UTF-8 comes as this character, and could be any other.
      if (value.includes("\ufffd")) throw wrong(name, "must be percent-encoded UTF-8");
    }
    Object.defineProperty(found, name, {
      ...ORDINARY,
      value: before === undefined ? value : `${before}, ${value}`,
    });
  }
  return found;
}

/** The same, or none where they break a rule: for those that matter whatever the others are. */
export function headersOrNone(message: WithHeaders): Headers {
  try {
    return readHeaders(message);
  } catch (error) {
    if (error instanceof NexusError) return {};
    throw error;
  }
}

// Not assigned: `__proto__` must stay a name.
const ORDINARY = { enumerable: true, writable: true, configurable: true };

const NONE: Iterable<[string, string[]]> = [];

// They are parsed on first use, and names with a space in them throw there: nats-server looks at none.
function parsed(message: WithHeaders): Iterable<[string, string[]]> {
  try {
    return message.headers ?? NONE;
  } catch (cause) {
    throw new NexusError(
      "EVENT_INVALID",
      "Cannot parse event: its headers must have names of printable ASCII characters",
      { cause },
    );
  }
}

function wrong(name: string, rule: string): NexusError {
  return new NexusError("EVENT_INVALID", `Cannot parse event: header "${name}" ${rule}`);
}
