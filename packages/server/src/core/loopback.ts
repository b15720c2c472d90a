import { isIPv4 } from "node:net";

/** Whether who listens there, or is there, is of this machine. A name other than localhost may be anything. */
export function isLoopback(host: string): boolean {
  return (
    host === "localhost" ||
    host === "::1" ||
    host === "[::1]" || // as URLs have it
    (isIPv4(host) && host.startsWith("127."))
  );
}
