import type { GuestContext } from "../context.ts";
import { descriptor } from "./descriptors.ts";
import { ERRNO, WasiError } from "../../errno.ts";
import type { Family } from "./functions.ts";

const NOTSOCK = new WasiError(ERRNO.notsock);

/** No descriptor is a socket: there is no network. */
export function socketFunctions(context: GuestContext): Family<"sock"> {
  const refuse = (fd: number) => {
    descriptor(context, fd);
    throw NOTSOCK;
  };
  return { sock_accept: refuse, sock_recv: refuse, sock_send: refuse, sock_shutdown: refuse };
}
