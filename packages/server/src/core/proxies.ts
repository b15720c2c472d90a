import { isIP } from "node:net";

/**
 * The proxies in front whose word about a client's address counts: how many there are, or the networks
 * they are in.
 */
export type TrustedProxies = number | readonly Network[];

export interface Network {
  readonly address: string;
  /** Bits of the address that all of the network have. */
  readonly prefix: number;
  readonly family: "ipv4" | "ipv6";
}

const MOST_HOPS = 10;

/** Proxies as a text: `1`, or `10.0.0.0/8, 192.0.2.7`. A string is the rule it breaks. */
export function readTrustedProxies(text: string): TrustedProxies | string {
  const parts = text.split(/[\s,]+/).filter((part) => part !== "");
  if (parts.length === 1 && /^\d+$/.test(parts[0]!)) {
    const hops = Number(parts[0]);
    return hops >= 1 && hops <= MOST_HOPS ? hops : RULE;
  }
  const networks = parts.map(networkOf);
  return parts.length > 0 && networks.every((network) => network !== undefined) ? networks : RULE;
}

const RULE = `must be the number of proxies, from 1 to ${MOST_HOPS}, or networks such as 10.0.0.0/8, with commas between them`;

function networkOf(text: string): Network | undefined {
  const [, address, bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address ?? "");
  if (version === 0) return undefined;
  const longest = version === 4 ? 32 : 128;
  const prefix = bits === undefined ? longest : Number(bits);
  if (prefix > longest) return undefined;
  return { address: address!, prefix, family: version === 4 ? "ipv4" : "ipv6" };
}
