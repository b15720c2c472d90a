import type { OutgoingEvent } from "@nexus-functions/client/client";
import { uuidv7 } from "@nexus-functions/server/core/ids";
import { CliError, type Cli } from "../cli.ts";
import { readInput } from "../input.ts";

export interface MadeOptions {
  readonly data?: string;
  readonly id?: string;
  readonly source?: string;
  readonly subject?: string;
  readonly contentType?: string;
}

const SOURCE = "/nexus/cli";

/** The event that a command line describes. */
export async function madeEvent(
  cli: Cli,
  type: string,
  options: MadeOptions,
): Promise<OutgoingEvent> {
  const { subject, contentType = "application/json" } = options;
  const bytes = options.data === undefined ? undefined : await dataBytes(cli, options.data);
  return completed({
    ...(options.id === undefined ? {} : { id: options.id }),
    ...(options.source === undefined ? {} : { source: options.source }),
    type,
    ...(subject === undefined ? {} : { subject }),
    ...(bytes === undefined
      ? {}
      : { datacontenttype: contentType, ...dataMember(bytes, contentType) }),
  });
}

/** An event with what the user need not write filled in. Its attributes are the server's to check. */
export function completed(value: unknown): OutgoingEvent {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new CliError('Cannot publish: an event is a JSON object with at least a "type"');
  }
  return { id: uuidv7(Date.now()), source: SOURCE, ...value };
}

/** `-`: the command's input; `@file`: a file; else the text itself. */
async function dataBytes(cli: Cli, data: string): Promise<Uint8Array> {
  if (data === "-") return readInput(cli, "-");
  return data.startsWith("@") ? readInput(cli, data.slice(1)) : new TextEncoder().encode(data);
}

function dataMember(
  bytes: Uint8Array,
  contentType: string,
): { data: unknown } | { data_base64: string } {
  if (/^[^;]*[/+]json\b/i.test(contentType)) return { data: jsonOf(bytes) };
  const text = textOf(bytes);
  return text !== undefined && /^text\//i.test(contentType)
    ? { data: text }
    : { data_base64: Buffer.from(bytes).toString("base64") };
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new CliError(`Cannot read the data: it is not JSON: ${(error as SyntaxError).message}`, {
      hint: "For other data say what it is, such as --content-type text/plain.",
      exitCode: 2,
    });
  }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
