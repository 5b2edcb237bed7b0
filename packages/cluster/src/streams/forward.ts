import type { Duplex } from "node:stream";
import type { PodRef } from "../kubelet/types.ts";
import { StatusError } from "../machinery/errors.ts";

/** @throws StatusError BadRequest */
export function readPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new StatusError("BadRequest", `unable to parse "${text}" as a port: expected 1-65535`);
}

/** What kubectl prints when the pod does not answer on that port. */
export const dialError = ({ namespace, name }: PodRef, port: number, cause: unknown): string =>
  `error forwarding port ${port} to pod ${namespace}/${name}: ${cause instanceof Error ? cause.message : String(cause)}`;

/** Joins two streams: each one's end ends the other's writing half, the failure of one destroys the other. Resolves when both are done. */
export async function join(a: Duplex, b: Duplex): Promise<void> {
  a.pipe(b);
  b.pipe(a);
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    one.on("error", () => other.destroy());
    one.once("close", () => {
      if (!one.readableEnded || !one.writableFinished) other.destroy();
    });
  }
  await Promise.all([closed(a), closed(b)]);
}

const closed = (stream: Duplex): Promise<void> =>
  stream.closed ? Promise.resolve() : new Promise((resolve) => void stream.once("close", resolve));
