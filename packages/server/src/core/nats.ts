/** How this server reaches NATS and what it keeps there. */
export interface NatsOptions {
  /** At least one; each as `natsServerFault` wants it. Credentials in one of them win over `auth`. */
  readonly servers: readonly string[];
  readonly auth: NatsAuth;
  /** Given, even empty: the connection is to be TLS, and nothing else will do. */
  readonly tls?: NatsTls;
  /** In front of every subject; in upper case, in front of the name of every stream. */
  readonly prefix: string;
  /** Copies of each stream; absent: as many as the cluster can keep, at most 3. */
  readonly replicas?: number;
  /** Whose files these are: what its earlier files had and these have not is taken out of the cluster. */
  readonly project?: string;
  /** How long a delivery may go without a sign of life until another node is given it. */
  readonly ackWaitMs: number;
}

/** Secrets are named by their files, which are read again for every connection: they may be renewed. */
export type NatsAuth =
  | { readonly kind: "none" }
  /** What `nsc` writes: a JWT and the seed of a user's key. */
  | { readonly kind: "credentials"; readonly file: string }
  | { readonly kind: "nkey"; readonly file: string }
  | { readonly kind: "password"; readonly user: string; readonly file: string }
  | { readonly kind: "token"; readonly file: string };

export interface NatsTls {
  /** Who vouches for the server; absent: whoever the machine trusts. */
  readonly caFile?: string;
  /** What this client shows; with its key. */
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** What somebody wrote of it. */
export type NatsConfig = Partial<NatsOptions>;

export const DEFAULT_NATS_OPTIONS = {
  auth: { kind: "none" },
  prefix: "nexus",
  ackWaitMs: 30_000,
} as const satisfies Partial<NatsOptions>;

/** The addresses in a list with commas. */
export function natsServers(list: string): readonly string[] {
  return list.split(",").map((url) => url.trim());
}

/** A server's URL taken apart. */
export interface NatsServer {
  /** `host:port`: all that may be shown. */
  readonly address: string;
  readonly tls: boolean;
  readonly secret?: NatsSecret;
}

export type NatsSecret =
  | { readonly kind: "password"; readonly user: string; readonly password: string }
  | { readonly kind: "token"; readonly token: string };

const DEFAULT_PORT = 4222;

/** The rule this URL breaks, in words that follow it; undefined for a good one. */
export function natsServerFault(url: string): string | undefined {
  const server = parsed(url);
  return typeof server === "string" ? server : undefined;
}

/** Takes a URL apart that has no fault: `nats://host:port`, `tls://…`, with `user:password@` or `token@`. */
export function parseNatsServer(url: string): NatsServer {
  const server = parsed(url);
  if (typeof server === "string") throw new TypeError(`A NATS server's address ${server}`);
  return server;
}

/** The address of a URL without credentials, to be shown, whatever the URL is. */
export function showNatsServer(url: string): string {
  const server = parsed(url);
  return typeof server === "string" ? url.replace(/^(.*\/\/)?.*@/s, "$1…@") : server.address;
}

function parsed(url: string): NatsServer | string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === "ws" || scheme === "wss") {
    return 'is a WebSocket address (try "nats://host:4222")';
  }
  const rule = 'is not the address of a NATS server (try "nats://host:4222")';
  if (scheme !== undefined && scheme !== "nats" && scheme !== "tls") return rule;
  const rest = scheme === undefined ? url : url.slice(scheme.length + 3);
  // A scheme that URL knows, so that it checks host and port; not http, whose port 80 it would drop.
  const text = `ftp://${rest}`;
  if (/\s/.test(url) || !URL.canParse(text)) return rule;
  const { hostname, port, username, password, pathname, search, hash } = new URL(text);
  if (hostname === "" || !["", "/"].includes(pathname) || search !== "" || hash !== "") return rule;
  const secret = secretOf(username, password);
  if (secret === "malformed") return rule;
  // Port 21 is ftp's own and not told.
  const asked = port === "" && /:21\/?$/.test(rest) ? "21" : port;
  return {
    address: `${hostname}:${asked === "" ? DEFAULT_PORT : asked}`,
    tls: scheme === "tls",
    ...(secret === undefined ? {} : { secret }),
  };
}

function secretOf(username: string, password: string): NatsSecret | "malformed" | undefined {
  if (username === "" && password === "") return undefined;
  try {
    const name = decodeURIComponent(username);
    return password === ""
      ? { kind: "token", token: name }
      : { kind: "password", user: name, password: decodeURIComponent(password) };
  } catch {
    return "malformed";
  }
}

/** Of prefixes and projects. */
const WORD = /^[a-z0-9][a-z0-9_-]{0,31}$/;

/** The rule this prefix breaks, in words that follow it; undefined for a good one. */
export function natsPrefixFault(prefix: string): string | undefined {
  return wordFault(prefix, "a prefix");
}

/** The same for the name of a project. */
export function natsProjectFault(project: string): string | undefined {
  return wordFault(project, "a project's name");
}

function wordFault(word: string, what: string): string | undefined {
  return WORD.test(word)
    ? undefined
    : `is not ${what}: lower-case letters, digits, dashes and underscores inside, at most 32`;
}
