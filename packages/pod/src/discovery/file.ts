import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import type { PodClock } from "../clock.ts";
import { PodError } from "../errors.ts";
import type { PeerSource } from "./feed.ts";
import { type Answer, poll } from "./poll.ts";
import type { Peer } from "./types.ts";

/** Reading a small file costs nothing, and a mounted ConfigMap swaps folders under it, which file watchers miss. */
const rereadMs = 1_000;
const maxChars = 1024 * 1024;

/** `{"peers":["host:port"]}`, read again and again. A file that is absent or torn leaves the last set as it is. */
export function fileSource(path: string, defaultPort: number | undefined, clock: PodClock): PeerSource {
  const ask = async (): Promise<Answer> => ({
    peers: parsePeers(await readFile(path, "utf8"), path, defaultPort),
    nextInMs: rereadMs,
  });
  return { kind: "file", run: (report, signal) => poll(ask, clock, report, signal) };
}

/** Throws PodError `source` for anything else than a list of peers. */
export function parsePeers(text: string, path: string, defaultPort?: number): readonly Peer[] {
  const document = text.length > maxChars ? undefined : parseJson(text);
  const peers = typeof document === "object" && document !== null && "peers" in document ? document.peers : undefined;
  if (!Array.isArray(peers)) throw new PodError("source", `${path}: expected {"peers":["host:port", ...]}`);
  return peers.map((entry) => parsePeer(entry, path, defaultPort));
}

function parsePeer(entry: unknown, path: string, defaultPort: number | undefined): Peer {
  const match = typeof entry === "string" ? /^(?:\[([^\]]+)\]|([^:\s]+))(?::(\d{1,5}))?$/.exec(entry) : null;
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  if (host === undefined || port === undefined || port < 1 || port > 65_535) {
    throw new PodError("source", `${path}: ${JSON.stringify(entry)} is not host:port`);
  }
  return { id: isIP(host) ? `${host}:${port}` : (host.split(".", 1)[0] ?? host), host, port };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
