import type { GuestContext } from "../context.ts";
import { CLOCK, clockNow } from "./clock.ts";
import { descriptor } from "./descriptors.ts";
import { BADF, INVAL, WasiError } from "../../errno.ts";
import type { Family } from "./functions.ts";

const SUBSCRIPTION_BYTES = 48;
const EVENT_BYTES = 32;
/** Each costs objects of the host's. */
const MOST_SUBSCRIPTIONS = 4096;
const EVENT = { clock: 0, fdRead: 1, fdWrite: 2 } as const;
const ABSOLUTE = 1;
const HANGUP = 1;
const PIPE_ROOM = 65_536n;

interface Happening {
  readonly userdata: bigint;
  readonly type: number;
  readonly error: number;
  readonly bytes: bigint;
  readonly flags: number;
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
    const readable = descriptor(context, memory.u32(at + 16)).stream === "stdin";
    if (readable !== (happening.type === EVENT.fdRead)) throw BADF;
    if (!readable) return { ...happening, bytes: PIPE_ROOM };
    const left = context.stdin.length - context.stdinAt;
    return { ...happening, bytes: BigInt(left), flags: left === 0 ? HANGUP : 0 };
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
      for (let index = 0; index < many; index += 1) {
        const at = from + index * SUBSCRIPTION_BYTES;
        const type = memory.u8(at + 8);
        if (type > EVENT.fdWrite) throw INVAL;
        const happening = { userdata: memory.u64(at), type, error: 0, bytes: 0n, flags: 0 };
        try {
          if (type === EVENT.clock) alarms.push(alarm(at, happening));
          else ready.push(stream(at, happening));
        } catch (error) {
          if (!(error instanceof WasiError)) throw error;
          ready.push({ ...happening, error: error.errno });
        }
      }
      const finish = (): void => {
        const now = process.hrtime.bigint();
        const due = alarms.filter(({ dueNs }) => dueNs <= now).map(({ happening }) => happening);
        const happened = [...ready, ...due];
        write(eventsAt >>> 0, happened);
        memory.setU32(happenedAt, happened.length);
      };
      const [first, ...rest] = alarms;
      if (ready.length > 0 || first === undefined) return finish();
      const dueNs = rest.reduce((due, next) => (next.dueNs < due ? next.dueNs : due), first.dueNs);
      const slept = context.sleep(dueNs);
      return slept === undefined ? finish() : slept.then(finish);
    },
  };
}
