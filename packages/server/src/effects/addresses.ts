import { BlockList, isIP } from "node:net";

/** IPv4 addresses that are not those of one machine on the internet (IANA's special-purpose registry). */
const SPECIAL_V4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8], // this network
  ["10.0.0.0", 8], // private
  ["100.64.0.0", 10], // behind a provider's NAT
  ["127.0.0.0", 8], // this machine
  ["169.254.0.0", 16], // link-local, with the metadata of cloud machines
  ["172.16.0.0", 12], // private
  ["192.0.0.0", 24],
  ["192.0.2.0", 24], // documentation
  ["192.31.196.0", 24],
  ["192.52.193.0", 24],
  ["192.88.99.0", 24], // 6to4
  ["192.168.0.0", 16], // private
  ["192.175.48.0", 24],
  ["198.18.0.0", 15], // benchmarks
  ["198.51.100.0", 24], // documentation
  ["203.0.113.0", 24], // documentation
  ["224.0.0.0", 4], // multicast
  ["240.0.0.0", 4], // reserved, broadcast
];

/** The part of IPv6 that is given out; loopback, link-local, mapped IPv4, NAT64 and the rest lie outside it. */
const GLOBAL_V6 = ["2000::", 3] as const;

const SPECIAL_V6: readonly (readonly [string, number])[] = [
  ["2001::", 23], // Teredo and other protocols
  ["2001:db8::", 32], // documentation
  ["2002::", 16], // 6to4: an IPv4 address in other clothes
  ["3fff::", 20], // documentation
];

const special = new BlockList();
for (const [network, bits] of SPECIAL_V4) special.addSubnet(network, bits, "ipv4");
for (const [network, bits] of SPECIAL_V6) special.addSubnet(network, bits, "ipv6");
const global = new BlockList();
global.addSubnet(...GLOBAL_V6, "ipv6");

/** Whether the address is one of the open internet: not of this machine, a private network, or a group. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !special.check(address, "ipv4");
  return family === 6 && global.check(address, "ipv6") && !special.check(address, "ipv6");
}
