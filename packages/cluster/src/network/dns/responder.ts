import { type Answer, decode, encode, type Question } from "dns-packet";
import type { Forwarder } from "./forward.ts";
import { maxTcpBytes, type Query, readQuery, writeRefusal, writeResponse } from "./message.ts";
import { type Authority, type Resolution, rcodes, resolve } from "./resolve.ts";
import type { Zone } from "./zone.ts";

export type Transport = "udp" | "tcp";

/** Turns the bytes of a query into the bytes of its answer; undefined for what is dropped. Never rejects. `asker` is the client's address. */
export type Responder = (bytes: Buffer, transport: Transport, asker: string) => Promise<Buffer | undefined>;

/** A query that can be understood, and who asks it. */
export type DnsQuery = Query & { readonly question: Question; readonly asker: string };

/** Comes between a query and its answer: `answer` gives that of the cluster's own zone, or of another. */
export type DnsIntercept = (
  query: DnsQuery,
  answer: (zone?: Zone) => Promise<Buffer | undefined>,
) => Promise<Buffer | undefined>;

/** A responder whose understandable queries pass `intercept`. */
export function createInterceptedResponder(
  authority: Authority,
  forwarder: Forwarder,
  intercept: DnsIntercept,
): Responder {
  const respond = createResponder(authority, forwarder);
  return (bytes, transport, asker) => {
    const query = readQuery(bytes);
    if (query?.question === undefined) return respond(bytes, transport, asker);
    const answer = (zone?: Zone) =>
      (zone ? createResponder({ ...authority, zone }, forwarder) : respond)(bytes, transport, asker);
    return intercept({ ...query, question: query.question, asker }, answer);
  };
}

export function createResponder(authority: Authority, forwarder: Forwarder): Responder {
  return async (bytes, transport) => {
    const query = readQuery(bytes);
    if (!query) return undefined;
    if (query.opcode !== 0) return writeRefusal(query, rcodes.notImp);
    if (!query.question) return writeRefusal(query, rcodes.formErr);
    if ((query.question.class ?? "IN") !== "IN") return writeRefusal(query, rcodes.refused);
    const local = resolve(authority, query.question);
    if (!local) return forwardOutside(forwarder, bytes, query, transport);
    const maxBytes = transport === "tcp" ? maxTcpBytes : query.udpBytes;
    return writeResponse(query, await completed(forwarder, local, query.question), maxBytes);
  };
}

async function forwardOutside(
  forwarder: Forwarder,
  bytes: Buffer,
  query: Query,
  transport: Transport,
): Promise<Buffer> {
  if (!forwarder.available) return writeRefusal(query, rcodes.refused);
  // Over UDP the client asked for no more than fits, and learns from the upstream's own TC to come back over TCP.
  return (await forwarder.forward(bytes, transport === "tcp")) ?? writeRefusal(query, rcodes.servFail);
}

/** Appends what the alias of an ExternalName Service leads to; the alias alone when nobody can tell. */
async function completed(forwarder: Forwarder, local: Resolution, { type }: Question): Promise<Resolution> {
  if (!local.continueAt || !forwarder.available) return local;
  const ask = encode({ type: "query", id: 0, flags: 0x100, questions: [{ name: local.continueAt, type }] });
  const reply = await forwarder.forward(ask);
  return { ...local, answers: [...local.answers, ...(reply ? answersOf(reply) : [])] };
}

function answersOf(reply: Buffer): readonly Answer[] {
  try {
    return decode(reply).answers ?? [];
  } catch {
    // An upstream that sends garbage is as good as none.
    return [];
  }
}
