/** Network addresses in their three forms: in `version`, in `addr` (BIP 37's time before it) and in `addrv2` (BIP 155). */
import { isIPv4 } from "node:net";
import type { ByteReader, ByteWriter } from "../../primitives/bytes.ts";
import { P2pError } from "../errors.ts";
import type { NetAddress, TimedAddress } from "./types.ts";

const V4_PREFIX = Buffer.from("00000000000000000000ffff", "hex");
const V2_LONGEST = 512;
const IPV4 = 1;
const IPV6 = 2;
const LENGTHS: Readonly<Record<number, number>> = { [IPV4]: 4, [IPV6]: 16 };

const readPort = (reader: ByteReader): number => reader.bytes(2).readUInt16BE(0);

export function readNetAddress(reader: ByteReader): NetAddress {
  const services = reader.u64();
  const host = hostOf(reader.bytes(16));
  return { services, host, port: readPort(reader) };
}

export function writeNetAddress(writer: ByteWriter, { services, host, port }: NetAddress): void {
  writer.u64(services).bytes(bytesOf(host)).u16be(port);
}

export function readTimedAddress(reader: ByteReader): TimedAddress {
  const time = reader.u32();
  return { time, ...readNetAddress(reader) };
}

export function writeTimedAddress(writer: ByteWriter, address: TimedAddress): void {
  writer.u32(address.time);
  writeNetAddress(writer, address);
}

/** Undefined for a network that this node can't reach, such as Tor. */
export function readAddressV2(reader: ByteReader): TimedAddress | undefined {
  const time = reader.u32();
  const services = BigInt(reader.compactSize(Number.MAX_SAFE_INTEGER));
  const network = reader.u8();
  const bytes = reader.varBytes(V2_LONGEST);
  const port = readPort(reader);
  const wanted = LENGTHS[network];
  if (wanted === undefined) return undefined;
  if (bytes.length !== wanted) throw new P2pError("malformed", `addrv2: ${bytes.length} bytes of address`);
  return { time, services, port, host: hostOf(network === IPV4 ? Buffer.concat([V4_PREFIX, bytes]) : bytes) };
}

export function writeAddressV2(writer: ByteWriter, { time, services, host, port }: TimedAddress): void {
  const bytes = bytesOf(host);
  writer.u32(time).compactSize(Number(services));
  if (isIPv4(host)) writer.u8(IPV4).varBytes(bytes.subarray(12));
  else writer.u8(IPV6).varBytes(bytes);
  writer.u16be(port);
}

function hostOf(bytes: Buffer): string {
  if (bytes.subarray(0, 12).equals(V4_PREFIX)) return [...bytes.subarray(12)].join(".");
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  return compress(groups.join(":"));
}

/** RFC 5952: the longest run of zero groups becomes `::`. */
function compress(text: string): string {
  const runs = text.match(/(?:^|:)0(?::0)+(?=:|$)/g) ?? [];
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), "");
  if (longest === "") return text;
  const at = text.indexOf(longest);
  return `${text.slice(0, at)}::${text.slice(at + longest.length).replace(/^:/, "")}`;
}

/** Sixteen bytes; zeros for what is no address, such as a name. */
function bytesOf(host: string): Buffer {
  if (isIPv4(host)) return Buffer.concat([V4_PREFIX, Buffer.from(host.split(".").map(Number))]);
  const bytes = Buffer.alloc(16);
  if (!/^[0-9a-f:]+$/i.test(host) || !host.includes(":")) return bytes;
  const [before = "", after] = host.split("::");
  const head = before === "" ? [] : before.split(":");
  const tail = after === undefined || after === "" ? [] : after.split(":");
  if (head.length + tail.length > 8) return bytes;
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
  for (const [index, group] of groups.entries()) bytes.writeUInt16BE(Number.parseInt(group, 16) & 0xffff, index * 2);
  return bytes;
}
