import type { GuestContext } from "../context.ts";
import { NOTSOCK } from "../../errno.ts";
import type { Family } from "./functions.ts";

/** No descriptor is a socket: there is no network. */
export function socketFunctions(context: GuestContext): Family<"sock"> {
  const refuse = (fd: number) => {
    context.descriptors.get(fd);
    throw NOTSOCK;
  };
  return { sock_accept: refuse, sock_recv: refuse, sock_send: refuse, sock_shutdown: refuse };
}
