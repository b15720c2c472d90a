import { errors, type NatsConnection } from "@nats-io/transport-node";
import { NexusError } from "../core/errors.ts";
import { jetStreamCode, jetStreamCodes } from "../core/jetstream.ts";
import { atLeast, MIN_NATS_VERSION } from "../core/nats-version.ts";

/** JetStream is off in the whole server, or for the account. */
const NO_JETSTREAM: ReadonlySet<number> = new Set([
  jetStreamCodes.notEnabled,
  jetStreamCodes.notEnabledForAccount,
]);

/** Throws NATS_UNSUPPORTED where the server is too old. */
export function checkVersion(version: string, address: string): void {
  if (atLeast(version, MIN_NATS_VERSION)) return;
  throw new NexusError(
    "NATS_UNSUPPORTED",
    `Cannot use NATS at "${address}": its version is ${version}, and ${MIN_NATS_VERSION} or newer is needed`,
  );
}

/** What an error of asking for JetStream's account information means. */
export function jetStreamError(
  error: unknown,
  connection: NatsConnection,
  address: string,
): NexusError {
  const unsupported = (how: string): NexusError =>
    new NexusError("NATS_UNSUPPORTED", `Cannot use NATS at "${address}": ${how}`, {
      cause: error,
    });
  // The client wraps some of them.
  const chain = [error, (error as Error).cause];
  const nobody = chain.some((one) => one instanceof errors.RequestError && one.isNoResponders());
  // A server that has JetStream and does not answer has not elected a leader yet.
  if (nobody && connection.info?.jetstream !== true) {
    return unsupported("JetStream is not enabled (start nats-server with -js)");
  }
  if (chain.some((one) => NO_JETSTREAM.has(jetStreamCode(one)))) {
    return unsupported("JetStream is not enabled for this account");
  }
  const violation = chain.find((one) => one instanceof errors.PermissionViolationError);
  if (violation !== undefined) {
    return unsupported(`this user may not use JetStream (${violation.message})`);
  }
  return new NexusError(
    "NATS_UNREACHABLE",
    `Cannot use NATS at "${address}": JetStream does not answer (${(error as Error).message})`,
    { cause: error },
  );
}

/** What an error of connecting means. */
export function connectError(error: unknown, address: string): NexusError {
  if (error instanceof NexusError) return error;
  const { message } = error as Error;
  if (isRefusal(error)) {
    return new NexusError(
      "NATS_UNREACHABLE",
      `Cannot connect to NATS at "${address}": it refuses the credentials (${message})`,
      { cause: error },
    );
  }
  return new NexusError("NATS_UNREACHABLE", `Cannot connect to NATS at "${address}": ${message}`, {
    cause: error,
  });
}

/** Whether trying again at once may help. */
export function mayPass({ code, cause }: NexusError): boolean {
  return code === "NATS_UNREACHABLE" && !isRefusal(cause);
}

function isRefusal(error: unknown): boolean {
  return (
    error instanceof errors.AuthorizationError ||
    error instanceof errors.UserAuthenticationExpiredError
  );
}
