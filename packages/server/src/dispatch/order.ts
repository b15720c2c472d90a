import { eventValue, type StoredEvent } from "../core/event.ts";

/**
 * The order key of an event: the value at `path` (`subject`, `data.user_id`, `data.items.0.sku`) as
 * JSON text. Undefined where the path leads nowhere or to null: such an event waits for nobody. Objects and
 * arrays are keys too.
 */
export function orderKeyAt(path: string): (stored: StoredEvent) => string | undefined {
  const steps = path.split(".");
  return (stored) => {
    let value: unknown = eventValue(stored.event);
    for (const step of steps) {
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) {
        return undefined;
      }
      value = (value as Record<string, unknown>)[step];
    }
    if (value === null || value === undefined) return undefined;
    return JSON.stringify(value);
  };
}
