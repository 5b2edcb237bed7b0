/** The last words of HTTP on a socket: switching protocols, or refusing to. */
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { ContainerNotRunningError } from "../kubelet/errors.ts";
import { StatusError } from "../machinery/errors.ts";

/** Agrees to the upgrade; what follows on `socket` is the other protocol. */
export function switchProtocols(socket: Duplex, headers: Readonly<Record<string, string>>): void {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.write(["HTTP/1.1 101 Switching Protocols", ...lines, "", ""].join("\r\n"));
}

/** Refuses with the Status that kubectl prints, and ends the connection. */
export function refuse(socket: Duplex, error: unknown): void {
  if (error instanceof ContainerNotRunningError) {
    answer(socket, 500, "text/plain", error.message);
    return;
  }
  const known =
    error instanceof StatusError
      ? error
      : new StatusError("InternalError", `Internal error occurred: ${String(error)}`);
  answer(socket, known.code, "application/json", JSON.stringify({ ...known.toStatus(), apiVersion: "v1" }));
}

function answer(socket: Duplex, code: number, type: string, body: string): void {
  const head = [
    `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ""}`,
    `Content-Type: ${type}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  socket.end([...head, "", body].join("\r\n"));
}
