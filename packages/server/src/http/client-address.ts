import { BlockList, isIP, isIPv6 } from "node:net";
import type { TrustedProxies } from "../core/proxies.ts";

/** The address that a request comes from; an empty one where there is none. */
export type AddressOf = (peer: string, forwardedFor: string | undefined) => string;

/**
 * How to tell a client's address. Without trusted proxies it is the peer's. With them it is what the
 * farthest one of them says in `x-forwarded-for`; what stands there before that, anybody may have written.
 */
export function addressReader(proxies: TrustedProxies | undefined): AddressOf {
  if (proxies === undefined) return (peer) => plain(peer);
  const isTrusted = typeof proxies === "number" ? byCount(proxies) : byNetwork(proxies);
  return (peer, forwardedFor) => {
    let address = plain(peer);
    const said = forwardedFor?.split(",") ?? [];
    for (let hops = 0; isTrusted(address, hops); hops += 1) {
      const before = addressIn(said.pop()?.trim() ?? "");
      if (before === undefined) break; // nobody there, or no address: the proxy that says so answers for it
      address = before;
    }
    return address;
  };
}

type IsTrusted = (address: string, hops: number) => boolean;

function byCount(proxies: number): IsTrusted {
  return (_, hops) => hops < proxies;
}

function byNetwork(networks: Exclude<TrustedProxies, number>): IsTrusted {
  const list = new BlockList();
  for (const { address, prefix, family } of networks) list.addSubnet(address, prefix, family);
  return (address) => isIP(address) !== 0 && list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

/** `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`. */
function addressIn(text: string): string | undefined {
  const bare = /^\[(.+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
  return isIP(bare) === 0 ? undefined : plain(bare);
}

// A socket for both families calls an IPv4 peer so (RFC 4291, section 2.5.5.2).
const MAPPED = /^::ffff:(?=[\d.]+$)/i;

/** Without a zone: it says by which of this machine's interfaces, not who. */
function plain(address: string): string {
  return address.includes(":") ? address.replace(MAPPED, "").replace(/%.*$/, "") : address;
}

/**
 * What counts as one client: an IPv4 address, or the first 64 bits of an IPv6 one, since a host may take
 * any address of its /64.
 */
export function addressKey(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.toLowerCase().split("::", 2);
  const before = groupsOf(head);
  const after = groupsOf(tail ?? "");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array.from({ length: zeros }, () => "0"), ...after];
  return `${groups.slice(0, 4).join(":")}::/64`;
}

function groupsOf(text: string): readonly string[] {
  return text === "" ? [] : text.split(":").map((group) => group.replace(/^0+(?=.)/, ""));
}
