import { readFileSync } from "node:fs";
import {
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
  type Authenticator,
} from "@nats-io/transport-node";
import { NexusError } from "../core/errors.ts";
import type { NatsAuth, NatsSecret, NatsServer, NatsTls } from "../core/nats.ts";

/**
 * Says who we are, to every server alike. Throws CONFIG_INVALID where a file cannot be used, or where
 * two addresses hold different credentials.
 */
export function authenticatorOf(servers: readonly NatsServer[], auth: NatsAuth): Authenticator {
  const secrets = servers.flatMap(({ secret }) => (secret === undefined ? [] : [secret]));
  const [first, ...others] = secrets;
  if (first === undefined) return fileAuthenticator(auth);
  if (others.some((other) => JSON.stringify(other) !== JSON.stringify(first))) {
    throw new NexusError(
      "CONFIG_INVALID",
      "Cannot connect to NATS: its addresses hold different credentials, and those of one cluster have the same",
    );
  }
  return secretAuthenticator(first);
}

function secretAuthenticator(secret: NatsSecret): Authenticator {
  return secret.kind === "token"
    ? tokenAuthenticator(secret.token)
    : usernamePasswordAuthenticator(secret.user, secret.password);
}

function fileAuthenticator(auth: NatsAuth): Authenticator {
  switch (auth.kind) {
    case "none":
      return () => undefined;
    case "credentials":
      return renewable(auth.file, "a credentials file", (text) =>
        credsAuthenticator(new TextEncoder().encode(text)),
      );
    case "nkey":
      return renewable(auth.file, "the seed of an nkey", (text) =>
        nkeyAuthenticator(new TextEncoder().encode(text.trim())),
      );
    case "password":
      return renewable(auth.file, "a password", (text) =>
        usernamePasswordAuthenticator(auth.user, text.trimEnd()),
      );
    case "token":
      return renewable(auth.file, "a token", (text) => tokenAuthenticator(text.trimEnd()));
  }
}

/**
 * Reads the file now, and again for every connection. One that cannot be used then leaves the last good
 * one in use: an authenticator that throws would close the connection for good.
 */
function renewable(
  file: string,
  what: string,
  make: (text: string) => Authenticator,
): Authenticator {
  const read = (): Authenticator => {
    const authenticator = make(readFileSync(file, "utf8"));
    authenticator("a nonce to try it with");
    return authenticator;
  };
  let good: Authenticator;
  try {
    good = read();
  } catch (error) {
    // The cause could hold what is in the file.
    const { code } = error as { readonly code?: unknown };
    const how =
      typeof code === "string" && code.startsWith("E")
        ? `is not readable (${code})`
        : `is not ${what}`;
    throw new NexusError("CONFIG_INVALID", `Cannot connect to NATS: the file "${file}" ${how}`);
  }
  return (nonce) => {
    try {
      good = read();
    } catch {
      // the last good one stays
    }
    return good(nonce);
  };
}

/** Throws CONFIG_INVALID where one of the files cannot be read: the client would only say that TLS failed. */
export function checkTlsFiles(files: NatsTls): void {
  for (const file of Object.values(files) as readonly string[]) {
    try {
      readFileSync(file);
    } catch (error) {
      throw new NexusError(
        "CONFIG_INVALID",
        `Cannot connect to NATS: the file "${file}" is not readable (${(error as NodeJS.ErrnoException).code})`,
        { cause: error },
      );
    }
  }
}
