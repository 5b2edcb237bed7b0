/**
 * Server-Sent Events: what happens, as it happens, to browsers that then need not ask.
 *
 * The last events are kept, numbered within this process, so that a client that comes back with `Last-Event-ID` misses nothing; where they
 * are gone, or another webserver numbered them, it is told to `reset` and reads everything anew. A client that doesn't read is let go:
 * its connection would otherwise hold all that it missed.
 */
import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { BlockchainError } from "../errors.ts";
import type { NodeEvent, WebBackend } from "./backend.ts";

export interface EventsOptions {
  readonly maxClients: number;
  /** Of one address: so many that all who come through one proxy are served, and so few that one of them leaves room for others. */
  readonly maxPerAddress: number;
  readonly heartbeatMs: number;
  /** Events kept for those who come back. */
  readonly kept: number;
  /** Unread bytes at which a client is let go. */
  readonly maxUnreadBytes: number;
}

const defaults: EventsOptions = {
  maxClients: 500,
  maxPerAddress: 100,
  heartbeatMs: 15_000,
  kept: 256,
  maxUnreadBytes: 256 * 1024,
};

/** `public` leaves out what concerns the node's wallets. */
export type Audience = "public" | "wallet";

export interface EventHub {
  /** Throws BlockchainError("busy") at a bound of listeners; to be asked before `join`. */
  admit(address: string): void;
  /** Takes over a response whose headers are not yet written. */
  join(response: ServerResponse, listener: Listener): void;
  readonly clients: number;
  stop(): void;
}

export interface Listener {
  readonly address: string;
  readonly audience: Audience;
  /** Of the last event that it had. */
  readonly lastId: string | undefined;
}

interface Kept {
  readonly number: number;
  readonly isPublic: boolean;
  readonly text: string;
}

interface Client extends Listener {
  readonly response: ServerResponse;
}

export function createEventHub(backend: Pick<WebBackend, "subscribe">, options: Partial<EventsOptions> = {}): EventHub {
  const { maxClients, maxPerAddress, heartbeatMs, kept, maxUnreadBytes } = { ...defaults, ...options };
  const run = randomBytes(6).toString("hex");
  const clients = new Set<Client>();
  const recent: Kept[] = [];
  let number = 0;

  const send = (client: Client, text: string): void => {
    if (client.response.writableLength > maxUnreadBytes) drop(client);
    else client.response.write(text);
  };
  const drop = (client: Client): void => {
    clients.delete(client);
    client.response.destroy();
  };
  const publish = (event: NodeEvent): void => {
    number++;
    const { kind, ...data } = event;
    const isPublic = kind !== "payment";
    const text = `id: ${run}-${number}\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;
    recent.push({ number, isPublic, text });
    if (recent.length > kept) recent.shift();
    for (const client of clients) if (isPublic || client.audience === "wallet") send(client, text);
  };
  const unsubscribe = backend.subscribe(publish);
  const heartbeat = setInterval(() => {
    for (const client of clients) send(client, ": alive\n\n");
  }, heartbeatMs).unref();

  /** Undefined where they can't be known. */
  const missedSince = (lastId: string, audience: Audience): readonly string[] | undefined => {
    const [ofRun, digits = ""] = lastId.split("-");
    const last = /^\d{1,15}$/.test(digits) ? Number(digits) : -1;
    const oldest = number - recent.length;
    if (ofRun !== run || last < oldest || last > number) return undefined;
    const missed = recent.filter((each) => each.number > last && (each.isPublic || audience === "wallet"));
    return missed.map(({ text }) => text);
  };

  return {
    get clients() {
      return clients.size;
    },
    admit(address) {
      if (clients.size >= maxClients) throw new BlockchainError("busy", "too many listeners: try again later");
      const fromThere = [...clients].filter((client) => client.address === address).length;
      if (fromThere >= maxPerAddress)
        throw new BlockchainError("busy", "too many listeners from your address: close some of them");
    },
    join(response, listener) {
      const { audience, lastId } = listener;
      const client = { ...listener, response };
      clients.add(client);
      response.once("close", () => clients.delete(client));
      response.writeHead(200, {
        "Content-Type": "text/event-stream; charset=utf-8",
        "Cache-Control": "no-store, no-transform",
        "X-Accel-Buffering": "no",
        // Nothing follows on this connection: it ends with the stream, so that a stopping server need not wait for it.
        Connection: "close",
      });
      // The number alone, so that one who is cut off before the first event knows where it stood.
      send(client, `retry: 2000\nid: ${run}-${number}\nevent: hello\ndata: {}\n\n`);
      if (lastId === undefined) return;
      const missed = missedSince(lastId, audience);
      if (missed === undefined) send(client, "event: reset\ndata: {}\n\n");
      else for (const text of missed) send(client, text);
    },
    stop() {
      unsubscribe();
      clearInterval(heartbeat);
      for (const client of clients) client.response.end();
      clients.clear();
    },
  };
}
