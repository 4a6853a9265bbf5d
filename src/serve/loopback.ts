/** @file Which addresses nobody but this machine can reach. */
import { lookup } from "node:dns/promises";
import { BlockList, isIP } from "node:net";

const loopback = new BlockList();
// RFC 1122, section 3.2.1.3, and RFC 4291, section 2.5.3.
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Whether only this machine can reach `address`, which is an address and no name. */
export function isLoopback(address: string): boolean {
  return isIP(address) !== 0 && loopback.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

/**
 * The address that `host` stands for now. A name is looked up once, so that what is judged is what is listened on: even
 * `localhost` is whatever the machine says it is. Rejects when nothing has the name.
 */
export async function addressOf(host: string): Promise<string> {
  return isIP(host) === 0 ? (await lookup(host)).address : host;
}
