/** The live TCP connections of this process, so that a policy that forbids one can end it. */
import { SystemError } from "../errors.ts";
import type { Flow } from "../policy/decide.ts";
import type { PolicyGuard } from "./guard.ts";

/** What is used of `net.Socket`; `resetAndClosing` is what its `resetAndDestroy` sets before it destroys. */
interface Owner {
  destroy(error: Error): void;
  readonly destroyed: boolean;
  readonly writableEnded: boolean;
  resetAndClosing?: boolean;
}

/** Entries of sockets that are gone are swept after this many new ones. */
const sweepEvery = 256;

/** Holds sockets weakly: they close and are collected without saying so here. */
export class Connections {
  readonly #flows = new Map<WeakRef<object>, Flow>();
  #sinceSweep = 0;

  constructor(guard: PolicyGuard) {
    guard.onChange(() => this.#enforce(guard));
  }

  add(handle: object, flow: Flow): void {
    this.#flows.set(new WeakRef(handle), flow);
    if (++this.#sinceSweep < sweepEvery) return;
    this.#sinceSweep = 0;
    for (const ref of this.#flows.keys()) if (!ownerOf(ref.deref())) this.#flows.delete(ref);
  }

  #enforce(guard: PolicyGuard): void {
    for (const [ref, flow] of this.#flows) {
      if (guard.permits(flow)) continue;
      this.#flows.delete(ref);
      const handle = ref.deref();
      const owner = ownerOf(handle);
      if (handle && owner) cut(handle, owner);
    }
  }
}

/**
 * Both ends must see a failure: closing alone would send FIN, which says that all went well. (A TLS socket's own handle cannot
 * be reset; its peer misses the closing alert instead.)
 */
function cut(handle: object, owner: Owner): void {
  const isPlain = Reflect.get(owner, "_handle") === handle;
  if (isPlain && !owner.writableEnded) owner.resetAndClosing = true;
  owner.destroy(connectionReset());
}

/** The socket of a handle, while it is open. Node.js keeps it under a symbol that it does not export. */
export function ownerOf(handle: object | undefined): Owner | undefined {
  const key = handle && Object.getOwnPropertySymbols(handle).find(({ description }) => description === "owner_symbol");
  const owner: unknown = key && Reflect.get(handle, key);
  const isOwner = typeof owner === "object" && owner !== null && "destroy" in owner && "destroyed" in owner;
  return isOwner && !owner.destroyed ? (owner as Owner) : undefined;
}

/** What the program would see had the network lost the connection. */
const connectionReset = (): SystemError => new SystemError("read", "ECONNRESET", -104);
