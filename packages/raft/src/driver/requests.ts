/** What members ask each other beside the core's messages. One row per question; the system's own go to its `onRequest`. */
import { RaftError } from "../errors.ts";
import type { MemberChange } from "../types.ts";
import { toRemote } from "./remote.ts";

export const SYSTEM_PREFIX = "system:";

export interface Answers {
  propose(payload: Buffer): Promise<Uint8Array>;
  readIndex(): Promise<number>;
  change(change: MemberChange): Promise<number>;
  transfer(to: string | undefined): Promise<void>;
  snapshotOffer(payload: Buffer): Promise<Uint8Array>;
  system(from: string, method: string, payload: Buffer, signal: AbortSignal): Promise<Uint8Array>;
}

const NOTHING = new Uint8Array(0);

const METHODS: Readonly<Record<string, (answers: Answers, payload: Buffer) => Promise<Uint8Array>>> = {
  propose: (answers, payload) => answers.propose(payload),
  "read-index": async (answers) => encodeIndex(await answers.readIndex()),
  change: async (answers, payload) => encodeIndex(await answers.change(readChange(payload))),
  transfer: async (answers, payload) => {
    await answers.transfer(payload.length > 0 ? payload.toString("utf8") : undefined);
    return NOTHING;
  },
  "snapshot-offer": (answers, payload) => answers.snapshotOffer(payload),
};

export async function answer(
  answers: Answers,
  from: string,
  method: string,
  payload: Buffer,
  signal: AbortSignal,
): Promise<Uint8Array> {
  try {
    if (method.startsWith(SYSTEM_PREFIX))
      return await answers.system(from, method.slice(SYSTEM_PREFIX.length), payload, signal);
    const handler = Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
    if (!handler) throw new RaftError("invalid", `there is no method "${method}"`);
    return await handler(answers, payload);
  } catch (error) {
    throw toRemote(error);
  }
}

export function encodeIndex(index: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(index, 0, 6);
  return bytes;
}

export const decodeIndex = (bytes: Buffer): number => bytes.readUIntBE(0, 6);

function readChange(payload: Buffer): MemberChange {
  const change = JSON.parse(payload.toString("utf8")) as MemberChange;
  checkChange(change);
  return change;
}

/** Throws RaftError `invalid` on a change that the log must not record. */
export function checkChange(change: MemberChange): void {
  const { id, name, address } = {
    name: "x",
    address: "x:1",
    ...(change.kind === "add-learner" ? change.member : change),
  };
  if (!["add-learner", "promote", "remove", "update"].includes(change.kind)) throw invalid("an unknown kind of change");
  if (typeof id !== "string" || !/^[0-9a-f]{16}$/.test(id)) throw invalid(`"${id}" is not a member's id`);
  if (typeof name !== "string" || name.length === 0 || name.length > 253) throw invalid("a member needs a name");
  if (typeof address !== "string" || !/^.{1,253}:\d{1,5}$/.test(address))
    throw invalid(`"${address}" is not host:port`);
}

const invalid = (message: string): RaftError => new RaftError("invalid", message);
