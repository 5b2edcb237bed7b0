/** Opens TCP connections for the client programs. */
import dns from "node:dns";
import { connect, type Socket } from "node:net";

export interface Target {
  readonly host: string;
  readonly address: string;
  readonly port: number;
}

/** Why no connection came about, in the C library's words. */
export class DialError extends Error {
  override readonly name = "DialError";
  readonly isBadAddress: boolean;

  constructor(message: string, isBadAddress: boolean) {
    super(message);
    this.isBadAddress = isBadAddress;
  }
}

/** @throws DialError when nothing has that name */
export async function find(host: string, port: number): Promise<Target> {
  try {
    return { host, address: (await dns.promises.lookup(host)).address, port };
  } catch {
    throw new DialError(`bad address '${host}'`, true);
  }
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "Connection refused",
  ETIMEDOUT: "Connection timed out",
  EHOSTUNREACH: "No route to host",
  ENETUNREACH: "Network unreachable",
  EACCES: "Permission denied",
};

export const reasonOf = (error: unknown): string => {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return reasons[code] ?? message;
};

/** @throws DialError with the reason; `timeoutMs` 0 means as long as the system waits */
export function dial({ address, port }: Target, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, allowHalfOpen: true });
    const limit = timeoutMs > 0 ? setTimeout(() => socket.destroy(timedOut()), timeoutMs) : undefined;
    socket.once("connect", () => {
      clearTimeout(limit);
      socket.removeAllListeners("error");
      resolve(socket);
    });
    socket.once("error", (error) => {
      clearTimeout(limit);
      reject(new DialError(reasonOf(error), false));
    });
  });
}

const timedOut = (): DialError => new DialError("Connection timed out", false);
