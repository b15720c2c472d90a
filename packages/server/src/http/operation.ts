import type { ErrorCode } from "../core/errors.ts";
import type { RouteScope } from "./access.ts";
import { isExempt } from "./door.ts";
import type { SchemaName } from "./schemas.ts";

/** What openapi.json says about one route, beside its method and path. */
export interface Operation {
  /** Also the name of the client's method. */
  readonly id: string;
  readonly tag: "Events" | "Invocations" | "Functions" | "Dead letters" | "Replays" | "Operations";
  readonly summary: string;
  readonly description?: string;
  /** Of the path, by name: what it stands for. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, Parameter>>;
  readonly headers?: Readonly<Record<string, Parameter>>;
  readonly body?: Body;
  readonly answers: Readonly<Record<number, Answer>>;
  /** Beside INTERNAL, which every call may answer, those of a token and the rate limit's. */
  readonly problems: readonly ErrorCode[];
}

export interface Parameter {
  readonly description: string;
  /** JSON schema; a string where absent. */
  readonly schema?: Readonly<Record<string, unknown>>;
  readonly example?: string | number;
}

export interface Body {
  readonly required: boolean;
  readonly content: Readonly<Record<string, Content>>;
}

export interface Answer {
  readonly description: string;
  readonly content: Readonly<Record<string, Content>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Content {
  /** Any value where absent. */
  readonly schema?: SchemaName;
  readonly example?: unknown;
}

/** What a call may answer, beside INTERNAL. */
export function problemsOf(
  operation: Operation,
  path: string,
  scope: RouteScope,
): readonly ErrorCode[] {
  const { problems } = operation;
  if (scope !== "public") return [...problems, "UNAUTHORIZED", "FORBIDDEN", "RATE_LIMITED"];
  return isExempt(path) ? problems : [...problems, "RATE_LIMITED"];
}

export const PAGE_QUERY = {
  limit: {
    description: "Items on a page.",
    schema: { type: "integer", minimum: 1, maximum: 1000, default: 50 },
  },
  cursor: { description: "`next_cursor` of the page before, with the same filters." },
} as const satisfies Record<string, Parameter>;

export const SINCE: Parameter = {
  description: "At or after this moment: a timestamp (RFC 3339), or an age such as `24h`.",
  example: "24h",
};

/** `application/json` of this schema. */
export function json(schema: SchemaName): Readonly<Record<string, Content>> {
  return { "application/json": { schema } };
}
