// The guest thread. It knows the files of runtime/ that cross the wall, and what lies in this folder; no
// file system, no network.
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { sharedClock, type FromGuest, type GuestData, type ToGuest } from "../protocol.ts";
import { Guest } from "./guest.ts";
import { HostBell } from "./host-bell.ts";
import type { Seat } from "./seat.ts";
import { Seats } from "./seats.ts";
import { keepFrames } from "./trap.ts";

/** How long an idle thread waits in the quickest way, in which it hears no message. */
const QUICK_MS = 20;
/** Messages, timers and collectors get their turn at least so often. */
const TURN_MS = 10;

keepFrames();
const port = parentPort!;
const data = workerData as GuestData;
const bell = new HostBell(data.bell);
const seats = new Seats(data, bell);
const guest = new Guest(bell, send);
const now = sharedClock();

function send(message: FromGuest): void {
  port.postMessage(message);
}

function hear(message: ToGuest): void {
  switch (message.kind) {
    case "load":
      guest.load(message.id, message.module, message.plan);
      break;
    case "unload":
      guest.unload(message.id);
      break;
    case "seat":
      seats.exchange(message.seat, message.buffers);
      break;
    case "answer":
      guest.answer(message.id, message.answer);
      break;
  }
}

/** What the host sent before it gave out a seat may lie in the port while this thread has no turn. */
function hearAll(): void {
  for (;;) {
    const received = receiveMessageOnPort(port);
    if (received === undefined) return;
    const message = received.message as ToGuest;
    // Whom it is for would go on in this turn, in which a run is about to begin.
    if (message.kind === "answer") setImmediate(hear, message);
    else hear(message);
  }
}

/** Whose runs' ends may be untold. */
let lastId = 0;

function run(seat: Seat): Promise<void> | undefined {
  if (!seat.current || !guest.knows(seat.id)) hearAll();
  // Another function's end never waits behind this run, which may be an endless one.
  if (seat.id !== lastId) bell.ring();
  lastId = seat.id;
  return seat.begin(now()) ? guest.run(seat) : undefined;
}

async function serve(): Promise<never> {
  let lastTurn = performance.now();
  for (;;) {
    const seat = seats.take();
    if (seat !== undefined) {
      const running = run(seat);
      if (running !== undefined) await running;
      if (!guest.asks && performance.now() - lastTurn < TURN_MS) continue;
      bell.ring();
      await new Promise((resolve) => setImmediate(resolve));
    } else {
      guest.sweep();
      bell.ring();
      if (guest.suspended === 0 && seats.wait(QUICK_MS)) continue;
      await seats.rung();
    }
    lastTurn = performance.now();
  }
}

port.on("message", hear);
send({ kind: "ready" });
void serve(); // for as long as the thread lives
