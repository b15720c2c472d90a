import { loggableFields, type Loggable } from "./loggable.ts";
import { prettyLine } from "./pretty.ts";
import type { LogFields, Logger } from "./telemetry.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

const LEVELS = { debug: 0, info: 1, warn: 2, error: 3 } as const satisfies Record<LogLevel, number>;

export interface LoggerOptions {
  /** The lowest level that is written. */
  readonly level: LogLevel;
  readonly format: "json" | "pretty";
  /** Takes whole lines, each with its line feed. */
  readonly write: (text: string) => void;
  readonly now: () => Date;
  /** For `pretty`. */
  readonly colour: boolean;
}

/**
 * A logger that writes one line a message. As JSON: `time` (RFC 3339 with milliseconds, UTC), `level`
 * and `message`, then the fields; a field that has one of those three names gets an underscore behind
 * it. A log call never throws, whatever values the fields have.
 */
export function createLogger(options: LoggerOptions): Logger {
  return loggerWith(options, {});
}

type PlainFields = Readonly<Record<string, Loggable>>;

function loggerWith(options: LoggerOptions, bound: PlainFields): Logger {
  const { format, write, now, colour } = options;
  const least = LEVELS[options.level];
  const stacks = options.level === "debug";

  function log(level: LogLevel, message: string, fields?: LogFields): void {
    const time = now();
    const all = fields === undefined ? bound : { ...bound, ...loggableFields(fields, stacks) };
    write(
      format === "json"
        ? jsonLine(time, level, message, all)
        : prettyLine({ time, level, message, fields: all }, colour),
    );
  }

  function at(level: LogLevel): Logger[LogLevel] {
    return LEVELS[level] < least ? () => {} : (message, fields) => log(level, message, fields);
  }

  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    with: (fields) => loggerWith(options, { ...bound, ...loggableFields(fields, stacks) }),
  };
}

function jsonLine(time: Date, level: LogLevel, message: string, fields: PlainFields): string {
  const line: Record<string, Loggable> = Object.create(null);
  line["time"] = time.toISOString();
  line["level"] = level;
  line["message"] = message;
  for (const [name, value] of Object.entries(fields)) {
    line[name === "time" || name === "level" || name === "message" ? `${name}_` : name] = value;
  }
  return `${JSON.stringify(line)}\n`;
}
