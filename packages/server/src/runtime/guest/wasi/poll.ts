import type { GuestContext } from "../context.ts";
import { CLOCK, clockNow } from "./clock.ts";
import { BADF, INVAL, NOTCAPABLE, WasiError } from "../../errno.ts";
import type { FileDescriptor } from "./descriptors.ts";
import { RIGHT } from "./rights.ts";
import type { Family } from "./functions.ts";

const SUBSCRIPTION_BYTES = 48;
const EVENT_BYTES = 32;
/** Each costs objects of the host's. */
const MOST_SUBSCRIPTIONS = 4096;
const EVENT = { clock: 0, fdRead: 1, fdWrite: 2 } as const;
const ABSOLUTE = 1;
const HANGUP = 1;
const PIPE_ROOM = 65_536n;
const LONGEST_SLEEP_MS = 2 ** 30;

/** A file is always ready. Of what has no size nobody can say how much is there: something. */
function leftIn({ file, regular, position }: FileDescriptor): bigint {
  if (!regular) return 1n;
  const { size } = file.stat();
  return size > position ? size - position : 0n;
}

interface Happening {
  readonly userdata: bigint;
  readonly type: number;
  readonly error: number;
  readonly bytes: bigint;
  readonly flags: number;
}

/** A file that may have to be waited for. */
interface Awaited {
  readonly happening: Happening;
  readonly ready: (timeoutMs: number) => number | undefined;
}

interface Alarm {
  readonly happening: Happening;
  /** On the monotonic clock. */
  readonly dueNs: bigint;
}

export function pollFunctions(context: GuestContext): Family<"poll"> {
  const { memory } = context;

  function alarm(at: number, happening: Happening): Alarm {
    const clock = memory.u32(at + 16);
    const now = clockNow(context, clock);
    const timeout = memory.u64(at + 24);
    const left = (memory.u16(at + 40) & ABSOLUTE) === 0 ? timeout : timeout - now;
    return { happening, dueNs: clockNow(context, CLOCK.monotonic) + left };
  }

  function stream(at: number, happening: Happening): Happening {
    const found = context.descriptors.get(memory.u32(at + 16));
    const reads = happening.type === EVENT.fdRead;
    if (found.kind === "directory") throw BADF;
    if ((found.rights & (reads ? RIGHT.fdRead : RIGHT.fdWrite)) === 0) throw BADF;
    if ((found.rights & RIGHT.pollReadWrite) === 0) throw NOTCAPABLE;
    if (!reads) return { ...happening, bytes: PIPE_ROOM };
    const left =
      found.kind === "file" ? leftIn(found) : BigInt(context.stdin.length - context.stdinAt);
    return { ...happening, bytes: left, flags: left === 0n ? HANGUP : 0 };
  }

  /** Undefined: nothing has to be waited for. */
  function awaited(at: number, happening: Happening): Awaited | undefined {
    const found = context.descriptors.get(memory.u32(at + 16));
    if (happening.type !== EVENT.fdRead || found.kind !== "file") return undefined;
    const { file } = found;
    if (file.ready === undefined) return undefined;
    return { happening, ready: (timeoutMs) => file.ready?.(timeoutMs) };
  }

  /** Waits until the first of them is ready or the time is there; tells those that are ready. */
  function readyOf(waiting: readonly Awaited[], dueNs: bigint | undefined): readonly Happening[] {
    for (;;) {
      const leftMs = dueNs === undefined ? Infinity : Number(dueNs - process.hrtime.bigint()) / 1e6;
      let timeoutMs = Math.max(0, Math.min(leftMs, LONGEST_SLEEP_MS));
      const ready = waiting.flatMap(({ happening, ready }) => {
        const bytes = ready(timeoutMs);
        timeoutMs = 0;
        if (bytes === undefined) return [];
        return [{ ...happening, bytes: BigInt(bytes), flags: bytes === 0 ? HANGUP : 0 }];
      });
      if (ready.length > 0 || leftMs <= LONGEST_SLEEP_MS) return ready;
    }
  }

  function write(at: number, happenings: readonly Happening[]): void {
    for (const [index, { userdata, type, error, bytes, flags }] of happenings.entries()) {
      const event = at + index * EVENT_BYTES;
      memory.slice(event, EVENT_BYTES).fill(0);
      memory.setU64(event, userdata);
      memory.setU16(event + 8, error);
      memory.setU8(event + 10, type);
      memory.setU64(event + 16, bytes);
      memory.setU16(event + 24, flags);
    }
  }

  return {
    poll_oneoff(subscriptionsAt, eventsAt, count, happenedAt) {
      const many = count >>> 0;
      if (many === 0 || many > MOST_SUBSCRIPTIONS) throw INVAL;
      const from = subscriptionsAt >>> 0;
      memory.slice(from, many * SUBSCRIPTION_BYTES);
      memory.slice(eventsAt, many * EVENT_BYTES);
      const ready: Happening[] = [];
      const alarms: Alarm[] = [];
      const waiting: Awaited[] = [];
      for (let index = 0; index < many; index += 1) {
        const at = from + index * SUBSCRIPTION_BYTES;
        const type = memory.u8(at + 8);
        if (type > EVENT.fdWrite) throw INVAL;
        const happening = { userdata: memory.u64(at), type, error: 0, bytes: 0n, flags: 0 };
        try {
          if (type === EVENT.clock) {
            alarms.push(alarm(at, happening));
            continue;
          }
          const happened = stream(at, happening);
          const wait = awaited(at, happening);
          if (wait === undefined) ready.push(happened);
          else waiting.push(wait);
        } catch (error) {
          if (!(error instanceof WasiError)) throw error;
          ready.push({ ...happening, error: error.errno });
        }
      }
      const finish = (): void => {
        const now = context.world.monotonic();
        const due = alarms.filter(({ dueNs }) => dueNs <= now).map(({ happening }) => happening);
        const happened = [...ready, ...due];
        write(eventsAt >>> 0, happened);
        memory.setU32(happenedAt, happened.length);
      };
      const dueNs = earliest(alarms);
      if (waiting.length > 0) {
        ready.push(...readyOf(waiting, ready.length > 0 ? 0n : dueNs));
        return finish();
      }
      if (ready.length > 0 || dueNs === undefined) return finish();
      const slept = context.world.sleep(dueNs);
      return slept === undefined ? finish() : slept.then(finish);
    },
  };
}

function earliest([first, ...rest]: readonly Alarm[]): bigint | undefined {
  return rest.reduce(
    (due, { dueNs }) => (due !== undefined && due < dueNs ? due : dueNs),
    first?.dueNs,
  );
}
