/** The handshake: the dialler says hello, the other side welcomes it or says why not. Nothing else is accepted before. */
import { WireError } from "./errors.ts";

/** Version of the framing itself; what is spoken over it has its own in `protocol`. */
export const WIRE_VERSION = 1;
/** A frame before the handshake may not be longer. */
export const MAX_HELLO_BYTES = 4096;

export interface Hello {
  readonly protocol: string;
  readonly cluster: string;
  readonly id: string;
}

export function encodeHello(hello: Hello): Buffer {
  const { protocol, cluster, id } = hello;
  return Buffer.concat([Buffer.of(WIRE_VERSION), Buffer.from(JSON.stringify({ protocol, cluster, id }))]);
}

/** Throws WireError `refused` with the reason when it is not a hello that `own` can talk to. */
export function checkHello(payload: Buffer, own: Hello): Hello {
  if (payload[0] !== WIRE_VERSION) {
    throw new WireError("refused", `it speaks wire version ${payload[0]}, this is version ${WIRE_VERSION}`);
  }
  const hello = parse(payload.subarray(1));
  for (const key of ["protocol", "cluster"] as const) {
    if (hello[key] !== own[key])
      throw new WireError("refused", `its ${key} is "${hello[key]}", here it is "${own[key]}"`);
  }
  return hello;
}

function parse(json: Buffer): Hello {
  try {
    const { protocol, cluster, id } = JSON.parse(json.toString("utf8")) as Record<string, unknown>;
    if (typeof protocol === "string" && typeof cluster === "string" && isPeerId(id)) return { protocol, cluster, id };
  } catch {
    // Falls through: not JSON, or not an object.
  }
  throw new WireError("refused", "its hello makes no sense");
}

export function isPeerId(id: unknown): id is string {
  return typeof id === "string" && id.length > 0 && id.length <= 253;
}
