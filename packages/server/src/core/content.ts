import { isUtf8 } from "node:buffer";
import { isJsonType } from "./attributes.ts";
import type { EventData } from "./cloudevents.ts";
import { NexusError } from "./errors.ts";
import { decodeUtf8, readJson } from "./strict-json.ts";

/** What a body is, as an event carries it. */
export interface Content {
  readonly datacontenttype?: string;
  readonly data: EventData;
}

const JSON_CONTENT = "application/json";

/** The media types of the JSON event format and its batches. */
export const STRUCTURED = "application/cloudevents+json";
export const BATCH = "application/cloudevents-batch+json";

const CLOUDEVENTS = "application/cloudevents";

/**
 * How a content type says that the body is events as a whole; `unknown`: in a format or charset
 * that is not read here. Undefined: it does not say so.
 */
export function eventFormat(contentType: string): "structured" | "batch" | "unknown" | undefined {
  const essence = contentType.split(";", 1)[0]!.trim().toLowerCase();
  if (!essence.startsWith(CLOUDEVENTS)) return undefined;
  const charset = charsetOf(contentType);
  if (charset !== undefined && charset !== "utf-8" && charset !== "utf8") return "unknown";
  if (essence === STRUCTURED) return "structured";
  return essence === BATCH ? "batch" : "unknown";
}

/**
 * Makes an event's data of a body; `contentType` is a media type (`isMediaType`).
 * - Nothing: no data.
 * - A JSON type: the JSON itself, as it is. BODY_INVALID where it is none.
 * - Text (`text/*`, XML, forms, or any type with a charset): a string. MEDIA_TYPE_UNSUPPORTED where
 *   the charset is unknown, BODY_INVALID where the bytes are not of it.
 * - Everything else: `data_base64`.
 * - No content type: JSON if it is JSON, else text if it is UTF-8, else `data_base64`.
 */
export function readContent(body: Uint8Array, contentType: string | undefined): Content {
  if (contentType === undefined || contentType === "") return guessed(body);
  if (body.length === 0) return { datacontenttype: contentType, data: { kind: "none" } };
  const charset = contentType.includes(";") ? charsetOf(contentType) : undefined;
  if (isJsonType(contentType)) {
    const utf8 = charset === undefined ? body : Buffer.from(decode(body, charset));
    return {
      datacontenttype: contentType,
      data: { kind: "json", text: readJson(utf8, "body").text },
    };
  }
  if (charset === undefined && !isTextType(contentType)) {
    return { datacontenttype: contentType, data: { kind: "binary", bytes: body } };
  }
  return {
    datacontenttype: contentType,
    data: { kind: "text", text: decode(body, charset ?? "utf-8") },
  };
}

/**
 * A body as a string that has every byte of it; undefined where no string does: it is no text, not
 * UTF-8, or declares another charset. Whoever checks a signature over the body needs those very bytes.
 */
export function readText(body: Uint8Array, contentType: string | undefined): string | undefined {
  const charset = contentType?.includes(";") === true ? charsetOf(contentType) : undefined;
  const text =
    charset === undefined
      ? contentType === undefined || isTextType(contentType) || isJsonType(contentType)
      : charset === "utf-8" || charset === "utf8";
  return text && isUtf8(body) ? decodeUtf8(body, "body") : undefined;
}

function guessed(body: Uint8Array): Content {
  if (body.length === 0) return { data: { kind: "none" } };
  if (!isUtf8(body)) return { data: { kind: "binary", bytes: body } };
  try {
    const { text } = readJson(body, "body");
    return { datacontenttype: JSON_CONTENT, data: { kind: "json", text } };
  } catch {
    return {
      datacontenttype: "text/plain",
      data: { kind: "text", text: decodeUtf8(body, "body") },
    };
  }
}

const TEXT_TYPE =
  /^(?:text\/|application\/(?:xml|x-www-form-urlencoded|javascript|yaml)\b)|\+(?:xml|yaml)\b/i;

function isTextType(contentType: string): boolean {
  return TEXT_TYPE.test(contentType);
}

const CHARSET = /;[ \t]*charset=(?:"([^"]*)"|([^;\s]*))/i;

/** The charset of a content type, lower case. */
export function charsetOf(contentType: string): string | undefined {
  const match = CHARSET.exec(contentType);
  return match === null ? undefined : (match[1] ?? match[2])!.toLowerCase();
}

function decode(body: Uint8Array, charset: string): string {
  let decoder: TextDecoder;
  try {
    decoder = new TextDecoder(charset, { fatal: true, ignoreBOM: true });
  } catch (cause) {
    throw new NexusError(
      "MEDIA_TYPE_UNSUPPORTED",
      `Cannot read body: charset ${JSON.stringify(charset.slice(0, 40))} is not known; send UTF-8`,
      { cause },
    );
  }
  try {
    return decoder.decode(body);
  } catch (cause) {
    throw new NexusError("BODY_INVALID", `Cannot read body: it is not valid ${charset}`, {
      cause,
    });
  }
}
