import type { IncomingMessage, ServerResponse } from "node:http";
import { NexusError } from "../core/errors.ts";
import type { HttpRequest } from "./http.ts";

/** A request of node:http as the handler sees it. */
export class NodeRequest implements HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly #message: IncomingMessage;
  readonly #response: ServerResponse;
  #signal: AbortSignal | undefined;

  constructor(message: IncomingMessage, response: ServerResponse) {
    const url = message.url!;
    const mark = url.indexOf("?");
    this.method = message.method!;
    this.path = mark === -1 ? url : url.slice(0, mark);
    this.query = mark === -1 ? "" : url.slice(mark + 1);
    // Only `set-cookie` is ever an array here, and no request has that.
    this.headers = message.headers as Readonly<Record<string, string | undefined>>;
    this.#message = message;
    this.#response = response;
  }

  get address(): string {
    return this.#message.socket.remoteAddress ?? ""; // it is gone already
  }

  body(maxBytes: number): Promise<Uint8Array> {
    return readBody(this.#message, maxBytes);
  }

  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      const controller = new AbortController();
      this.#signal = controller.signal;
      if (this.#response.closed) controller.abort();
      else this.#response.once("close", () => controller.abort());
    }
    return this.#signal;
  }
}

function readBody(message: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const announced = message.headers["content-length"];
  if (announced !== undefined && Number(announced) > maxBytes) {
    return Promise.reject(tooLarge(maxBytes));
  }
  return new Promise((resolve, reject) => {
    // Nearly every body comes in one piece: that one is not copied.
    let first: Buffer | undefined;
    let more: Buffer[] | undefined;
    let bytes = 0;
    message.on("data", function take(chunk: Buffer) {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        message.pause();
        message.off("data", take);
        reject(tooLarge(maxBytes));
      } else if (first === undefined) first = chunk;
      else (more ??= [first]).push(chunk);
    });
    message.on("end", () => resolve(more === undefined ? (first ?? EMPTY) : Buffer.concat(more)));
    // Without a listener for "error" a message that is cut off says no more than this.
    message.on("close", () => message.complete || reject(cutOff()));
  });
}

/** Of a body that nobody wants. Above what proxies let through by default, and no burden. */
const MOST_DROPPED_BYTES = 4 * 1024 * 1024;
const LONGEST_DROPPED_MS = 2000;

/**
 * Reads what is left of a body and drops it; resolves when it has ended, or is too long to go on. A connection that
 * is closed on unread bytes is reset, and the answer is lost on its way: a proxy makes a 502 of it.
 */
export function dropRest(message: IncomingMessage): Promise<void> {
  const announced = Number(message.headers["content-length"] ?? 0);
  if (message.destroyed || announced > MOST_DROPPED_BYTES) return Promise.resolve();
  return new Promise((resolve) => {
    let bytes = 0;
    const stop = (): void => {
      clearTimeout(timer);
      message.pause();
      message.off("data", drop).off("end", stop).off("close", stop);
      resolve();
    };
    const drop = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > MOST_DROPPED_BYTES) stop();
    };
    const timer = setTimeout(stop, LONGEST_DROPPED_MS);
    message.on("data", drop).on("end", stop).on("close", stop);
    message.resume();
  });
}

function tooLarge(maxBytes: number): NexusError {
  return new NexusError(
    "EVENT_TOO_LARGE",
    `Cannot read body: it is larger than the limit of ${maxBytes} bytes`,
  );
}

function cutOff(): NexusError {
  return new NexusError(
    "BODY_INVALID",
    "Cannot read body: the connection ended before all of it had come",
  );
}

const EMPTY = new Uint8Array(0);
