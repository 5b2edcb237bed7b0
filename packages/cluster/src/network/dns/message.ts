/** DNS messages as bytes: decoding what strangers send, and fitting answers into what they can receive. */
import { type Answer, decode, encode, type OptAnswer, type Packet, type Question } from "dns-packet";
import type { Resolution } from "./resolve.ts";

const flag = { authoritative: 0x400, truncated: 0x200, recursionDesired: 0x100, recursionAvailable: 0x80 } as const;
const headerBytes = 12;
const minUdpBytes = 512;
/** Larger datagrams than this are not sent even to clients that ask for them (the common EDNS limit). */
const maxUdpBytes = 4096;
export const maxTcpBytes = 65_535;

export interface Query {
  readonly id: number;
  readonly opcode: number;
  readonly flags: number;
  /** Undefined when the message does not hold exactly one readable question. */
  readonly question: Question | undefined;
  readonly edns: boolean;
  /** How large an answer over UDP may be. */
  readonly udpBytes: number;
}

/** Reads a query; undefined for what deserves no answer at all (too short to have an id, or itself a response). */
export function readQuery(bytes: Buffer): Query | undefined {
  if (bytes.length < headerBytes || (bytes.readUInt8(2) & 0x80) !== 0) return undefined;
  const packet = tryDecode(bytes);
  const opt = packet?.additionals?.find((record): record is OptAnswer => record.type === "OPT");
  return {
    id: bytes.readUInt16BE(0),
    opcode: (bytes.readUInt8(2) >> 3) & 0xf,
    flags: bytes.readUInt16BE(2) & 0x7fff,
    question: packet?.questions?.length === 1 ? packet.questions[0] : undefined,
    edns: opt !== undefined,
    udpBytes: Math.min(maxUdpBytes, Math.max(minUdpBytes, opt?.udpPayloadSize ?? minUdpBytes)),
  };
}

function tryDecode(bytes: Buffer): Packet | undefined {
  try {
    return decode(bytes);
  } catch {
    // The decoder reports malformed input by throwing; the caller answers FORMERR.
    return undefined;
  }
}

/** Encodes the answer to `query` in at most `maxBytes`: additional records go first, then answers, then TC says so. */
export function writeResponse(query: Query, resolution: Resolution, maxBytes: number): Buffer {
  const whole = encodeWith(query, resolution, resolution.answers, [...resolution.additionals], false);
  if (whole.length <= maxBytes) return whole;
  const bare = encodeWith(query, resolution, resolution.answers, [], false);
  if (bare.length <= maxBytes) return bare;
  return encodeWith(query, { ...resolution, authorities: [] }, fitting(query, resolution, maxBytes), [], true);
}

/** An empty answer that carries only a code: FORMERR, NOTIMP, REFUSED, SERVFAIL. */
export const writeRefusal = (query: Query, rcode: number): Buffer =>
  writeResponse(query, { rcode, answers: [], authorities: [], additionals: [] }, minUdpBytes);

function encodeWith(
  query: Query,
  { rcode, authorities }: Resolution,
  answers: readonly Answer[],
  additionals: Answer[],
  truncated: boolean,
): Buffer {
  const flags =
    rcode |
    (query.opcode << 11) |
    flag.authoritative |
    flag.recursionAvailable |
    (query.flags & flag.recursionDesired) |
    (truncated ? flag.truncated : 0);
  return encode({
    type: "response",
    id: query.id,
    flags,
    questions: query.question ? [query.question] : [],
    answers: [...answers],
    authorities: [...authorities],
    additionals: query.edns ? [...additionals, optRecord] : additionals,
  });
}

/** The longest prefix of the answers that fits, by bisection. */
function fitting(query: Query, resolution: Resolution, maxBytes: number): readonly Answer[] {
  let fits = 0;
  let tooMany = resolution.answers.length;
  while (tooMany - fits > 1) {
    const middle = (fits + tooMany) >> 1;
    const size = encodeWith(
      query,
      { ...resolution, authorities: [] },
      resolution.answers.slice(0, middle),
      [],
      true,
    ).length;
    if (size <= maxBytes) fits = middle;
    else tooMany = middle;
  }
  return resolution.answers.slice(0, fits);
}

const optRecord: OptAnswer = {
  name: ".",
  type: "OPT",
  udpPayloadSize: 1232,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};
