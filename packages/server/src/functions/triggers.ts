import { Cron } from "croner";
import { z } from "zod";
import { RESERVED_PREFIX } from "../core/pattern.ts";
import { choice, flag, section, text, wrong, type Docs } from "./fields.ts";
import { eventTypeOfPath, HTTP_METHODS, pathFault } from "./http-path.ts";
import { show } from "./problems.ts";

/** The rule this event type pattern breaks, in words that follow it; undefined for a good one. */
export function patternFault(pattern: string): string | undefined {
  if (pattern === "") return 'is no event type (try "com.example.*")';
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\s\u0000-\u001f\u007f-\u009f]/.test(pattern)) {
    return "has a space or a control character in it";
  }
  if (pattern.length > 255) return "is longer than 255 characters";
  return pattern.startsWith(RESERVED_PREFIX)
    ? `takes types of the platform's own: nothing but the platform makes events of "${RESERVED_PREFIX}…"`
    : undefined;
}

function scheduleFault(schedule: string): string | undefined {
  try {
    const cron = new Cron(schedule, { timezone: "UTC", mode: "5-or-6-parts", paused: true });
    return cron.nextRun() === null
      ? "is a cron schedule that never comes (no month of its list has such a day)"
      : undefined;
  } catch (error) {
    const reason = (error as Error).message.replace(/^Cron(?:Pattern|Date)?: /, "");
    return `is not a cron schedule: ${reason} (try "*/5 * * * *")`;
  }
}

function timezoneFault(timezone: string): string | undefined {
  try {
    void new Intl.DateTimeFormat("en", { timeZone: timezone });
    return undefined;
  } catch {
    return 'is not a time zone of the IANA database (try "Europe/Berlin")';
  }
}

function subjectFault(subject: string): string | undefined {
  const tokens = subject.split(".");
  if (tokens.some((token) => token === "")) return 'has an empty part (try "orders.created")';
  if (/\s/.test(subject)) return "has a space in it";
  if (subject.startsWith("$")) return 'belongs to NATS itself: "$" in front';
  if (tokens[0] === "_INBOX") return "belongs to NATS itself: replies go there";
  const wild = tokens.findIndex((token) => token.length > 1 && /[*>]/.test(token));
  if (wild !== -1)
    return `has a wildcard inside "${tokens[wild]!}" (a wildcard is a part of its own)`;
  if (tokens[0] === "*" || tokens[0] === ">") {
    return 'takes what NATS and the platform send among themselves: a wildcard as its first part (try "orders.>")';
  }
  const tail = tokens.indexOf(">");
  return tail !== -1 && tail !== tokens.length - 1
    ? 'may have ">" as its last part only'
    : undefined;
}

function documented<Schema extends z.ZodType>(schema: Schema, docs: Docs): Schema {
  return schema.meta({ ...docs });
}

const httpSchema = documented(
  section(
    {
      method: choice(HTTP_METHODS, {
        title: "Method",
        description: "The HTTP method; `*` takes any.",
        default: "POST",
      }).optional(),
      path: documented(text("a path", "/welcome", pathFault), {
        title: "Path",
        description:
          "`/users/:id/*`: `:name` takes one segment, a last `*` the rest. A path `/events/<type>` means the event trigger of that type.",
        examples: ["/welcome", "/users/:id"],
      }),
      respond: flag({
        title: "Respond",
        description:
          "true: the function's stdout is the HTTP answer. false: the request is accepted with 202 and the function runs afterwards.",
        default: false,
      }).optional(),
      auth: choice(["none", "required"], {
        title: "Auth",
        description:
          "required: a request needs an API token of scope `publish`, where the server asks for tokens. none: anybody may.",
        default: "none",
      }).optional(),
    },
    '{ path: "/welcome" }',
  ).superRefine(({ method = "POST", path, respond = false, auth }, context) => {
    const type = eventTypeOfPath(path);
    if (type === undefined || type === "") return;
    const fault = (key: string, message: string): void =>
      context.addIssue({ code: "custom", path: [key], message });
    if (type.includes("/") || type.startsWith(":")) {
      fault("path", `${show(path)} means events, and ${show(type)} is no event type`);
    } else {
      const message = patternFault(type);
      if (message !== undefined)
        fault("path", `${show(path)} means events, and ${show(type)} ${message}`);
    }
    if (method !== "POST" && method !== "*") {
      fault(
        "method",
        `${show(method)} cannot be: ${show(path)} means events, which are sent with POST`,
      );
    }
    if (auth !== undefined) {
      fault(
        "auth",
        `${show(auth)} cannot be: ${show(path)} means events, whose call has the scope "publish" (try another path)`,
      );
    }
    if (respond) {
      fault(
        "respond",
        `true cannot be: ${show(path)} means events, which are accepted with 202 (try another path)`,
      );
    }
  }),
  {
    title: "HTTP trigger",
    description: "Runs on HTTP requests to a path.",
    examples: [{ method: "POST", path: "/welcome", respond: true }],
  },
);

const scheduleSchema = text("a cron schedule", "*/5 * * * *", scheduleFault);

const cronSchema = documented(
  z.union(
    [
      scheduleSchema,
      section(
        {
          schedule: documented(scheduleSchema, {
            title: "Schedule",
            description: "Five fields, or six with seconds in front.",
            examples: ["0 8 * * mon-fri"],
          }),
          timezone: documented(text("a time zone", "Europe/Berlin", timezoneFault), {
            title: "Time zone",
            description: "A name of the IANA time zone database.",
            default: "UTC",
            examples: ["Europe/Berlin"],
          }).optional(),
        },
        '{ schedule: "*/5 * * * *" }',
      ),
    ],
    { error: wrong("a cron schedule", '"*/5 * * * *"') },
  ),
  {
    title: "Cron trigger",
    description:
      "Runs at times: five fields (minute, hour, day of month, month, day of week), or six with seconds in front. In UTC unless a time zone is given.",
    examples: ["*/5 * * * *", { schedule: "0 8 * * mon-fri", timezone: "Europe/Berlin" }],
  },
);

const TRIGGER_EXAMPLE = '{ event: "com.example.*" }';

const triggerSchema = documented(
  section(
    {
      event: documented(text("an event type pattern", "com.example.*", patternFault), {
        title: "Event trigger",
        description:
          "A type pattern: `*` stands for one or more characters, dots included. `*` alone takes every type.",
        examples: ["com.example.user.created", "com.example.user.*"],
      }).optional(),
      http: httpSchema.optional(),
      cron: cronSchema.optional(),
      nats: documented(text("a NATS subject", "orders.created", subjectFault), {
        title: "NATS trigger",
        description:
          "A raw NATS subject; `*` stands for one part, a last `>` for one or more. Not the platform's own subjects. Only where the event log runs on NATS (NATS_URL).",
        examples: ["orders.created", "orders.>"],
      }).optional(),
    },
    TRIGGER_EXAMPLE,
  )
    .refine((trigger) => Object.keys(trigger).length === 1, {
      // An unknown key is told as such, and not as a missing trigger too.
      when: ({ issues }) =>
        !issues.some(({ code }) => code === "unrecognized_keys" || code === "invalid_type"),
      error: ({ input }) => {
        const keys = Object.keys(input as object);
        return keys.length === 0
          ? `an empty mapping is not a trigger (try ${TRIGGER_EXAMPLE})`
          : `${keys.join(" and ")} cannot share one entry (write a list with "- " before each trigger)`;
      },
    })
    .meta({ minProperties: 1, maxProperties: 1 }),
  { title: "Trigger", description: "What makes the function run: exactly one of these." },
);

/** `on`: one trigger or a list of them. */
export const onSchema = documented(
  z.union(
    [
      triggerSchema,
      z
        .array(triggerSchema)
        .min(1, { error: `the list holds no trigger (try - ${TRIGGER_EXAMPLE})` }),
    ],
    { error: wrong("a trigger or a list of triggers", TRIGGER_EXAMPLE) },
  ),
  {
    title: "Triggers",
    description: "What makes the function run: one trigger or a list.",
    examples: [{ event: "com.example.user.*" }],
  },
);

export type OnConfig = z.infer<typeof onSchema>;
export type TriggerConfig = z.infer<typeof triggerSchema>;
