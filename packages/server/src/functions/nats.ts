import { dirname, resolve } from "node:path";
import { z } from "zod";
import {
  DEFAULT_NATS_OPTIONS,
  natsPrefixFault,
  natsProjectFault,
  natsServerFault,
  showNatsServer,
  type NatsAuth,
  type NatsConfig,
  type NatsTls,
} from "../core/nats.ts";
import { parseDuration } from "../core/quantity.ts";
import { count, duration, section, text, wrong, type Docs } from "./fields.ts";
import { show } from "./problems.ts";

const SERVER = "nats://localhost:4222";

// A faulty address is shown without what may be a password in it.
const serverSchema = z
  .string({ error: wrong("the address of a NATS server", `"${SERVER}"`) })
  .superRefine((url, context) => {
    const fault = natsServerFault(url);
    if (fault === undefined) return;
    context.addIssue({ code: "custom", message: `${show(showNatsServer(url))} ${fault}` });
  });

function file(example: string, docs: Docs) {
  return text("a path", example, (path) =>
    path === "" || path.includes("\0") ? `is not a path (try "${example}")` : undefined,
  ).meta({ minLength: 1, ...docs });
}

const tlsSchema = section(
  {
    ca: file("./ca.pem", {
      title: "Authority",
      description:
        "A file with the certificates that vouch for the server; without it, those the machine trusts.",
    }).optional(),
    cert: file("./client.pem", {
      title: "Certificate",
      description: "A file with this client's certificate, where the server asks for one.",
    }).optional(),
    key: file("./client-key.pem", {
      title: "Key",
      description: "A file with the key of `cert`.",
    }).optional(),
  },
  "{ ca: ./ca.pem }",
)
  .superRefine(({ cert, key }, context) => {
    if ((cert === undefined) === (key === undefined)) return;
    const path = [cert === undefined ? "cert" : "key"];
    const message = `is required beside ${cert === undefined ? "key" : "cert"}`;
    context.addIssue({ code: "custom", path, message });
  })
  .meta({
    title: "TLS",
    description: "Connect with TLS only. `tls: {}` trusts what the machine trusts.",
    examples: [{ ca: "./ca.pem" }],
  });

/** Ways to say who one is; of these, one. */
const IDENTITIES = ["credentials", "nkey", "user", "token_file"] as const;

export const natsSchema = section(
  {
    servers: z
      .array(serverSchema, { error: wrong("a list of servers", `- ${SERVER}`) })
      .min(1, { error: `names no server (try - ${SERVER})` })
      .meta({
        title: "Servers",
        description:
          "Servers of one cluster. Without them here or in `NATS_URL`, the embedded log is used.",
        examples: [[SERVER]],
      })
      .optional(),
    credentials: file("./nexus.creds", {
      title: "Credentials",
      description: "A credentials file, as `nsc` writes it.",
    }).optional(),
    nkey: file("./nexus.nk", {
      title: "NKey",
      description: "A file with the seed of a user's nkey.",
    }).optional(),
    user: text("a name", "nexus", (name) => (name === "" ? 'is empty (try "nexus")' : undefined))
      .meta({ title: "User", description: "With `password_file`.", minLength: 1 })
      .optional(),
    password_file: file("./password", {
      title: "Password file",
      description: "A file with the password of `user`, and nothing else.",
    }).optional(),
    token_file: file("./token", {
      title: "Token file",
      description: "A file with a token, and nothing else.",
    }).optional(),
    tls: tlsSchema.optional(),
    prefix: text("a prefix", DEFAULT_NATS_OPTIONS.prefix, natsPrefixFault)
      .meta({
        title: "Prefix",
        description:
          "In front of every subject and, in upper case, of every stream's name: several platforms can share one account.",
        default: DEFAULT_NATS_OPTIONS.prefix,
        pattern: "^[a-z0-9][a-z0-9_-]{0,31}$",
      })
      .optional(),
    project: text("a project's name", "shop", natsProjectFault)
      .meta({
        title: "Project",
        description:
          "Whose functions these are, all of them: a node that starts with files that are new to the cluster takes out what the project's earlier files had and these have not. Without it, only a change of a running node's files takes functions out.",
        pattern: "^[a-z0-9][a-z0-9_-]{0,31}$",
        examples: ["shop"],
      })
      .optional(),
    replicas: count(1, 5, {
      title: "Replicas",
      description:
        "Copies of everything in the cluster; without it, 3 where there are that many servers, else 1.",
      examples: [3],
    }).optional(),
    ack_wait: duration("1s", "15m", {
      title: "Wait for a sign of life",
      description:
        "How long a delivery may go without a sign of life from its node until another node is given it.",
      default: "30s",
    }).optional(),
  },
  `{ servers: ["${SERVER}"] }`,
)
  .superRefine((nats, context) => {
    const refuse = (path: string, message: string): void =>
      context.addIssue({ code: "custom", path: [path], message });
    const [first, ...more] = IDENTITIES.filter((key) => nats[key] !== undefined);
    for (const key of more) refuse(key, `is one identity too many beside ${first} (choose one)`);
    if (nats.user !== undefined && nats.password_file === undefined) {
      refuse("password_file", "is required beside user");
    }
    if (nats.user === undefined && nats.password_file !== undefined) {
      refuse("user", "is required beside password_file");
    }
  })
  .meta({
    title: "NATS",
    description:
      "Keep events in NATS JetStream, shared by many nodes. Read when the server starts.",
    examples: [{ servers: [SERVER], credentials: "./nexus.creds" }],
  });

type Written = z.infer<typeof natsSchema>;

/** What `nats:` of this file says. All values have passed the schema; paths are relative to the file. */
export function natsConfig(written: Written, configFile: string): NatsConfig {
  const { servers, tls, prefix, project, replicas, ack_wait: ackWait } = written;
  const path = (relative: string): string => resolve(dirname(configFile), relative);
  const auth = authOf(written, path);
  return {
    ...(servers === undefined ? {} : { servers }),
    ...(auth === undefined ? {} : { auth }),
    ...(tls === undefined ? {} : { tls: tlsOf(tls, path) }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(project === undefined ? {} : { project }),
    ...(replicas === undefined ? {} : { replicas }),
    ...(ackWait === undefined ? {} : { ackWaitMs: parseDuration(ackWait)! }),
  };
}

function authOf(written: Written, path: (relative: string) => string): NatsAuth | undefined {
  const { credentials, nkey, user, password_file: passwordFile, token_file: tokenFile } = written;
  if (credentials !== undefined) return { kind: "credentials", file: path(credentials) };
  if (nkey !== undefined) return { kind: "nkey", file: path(nkey) };
  if (user !== undefined) return { kind: "password", user, file: path(passwordFile!) };
  return tokenFile === undefined ? undefined : { kind: "token", file: path(tokenFile) };
}

function tlsOf(
  { ca, cert, key }: NonNullable<Written["tls"]>,
  path: (relative: string) => string,
): NatsTls {
  return {
    ...(ca === undefined ? {} : { caFile: path(ca) }),
    ...(cert === undefined ? {} : { certFile: path(cert) }),
    ...(key === undefined ? {} : { keyFile: path(key) }),
  };
}
