/** What a listener knows when a request comes in. */
import type { IncomingMessage } from "node:http";
import { chooseBackend, hostName, pathOf } from "../match.ts";
import type { IngressRoutes } from "../types.ts";
import type { Upstreams } from "./upstreams.ts";

export interface Gate {
  readonly scheme: "http" | "https";
  readonly port: number;
  readonly upstreams: Upstreams;
  /** The id of the backend; undefined where no rule and no default backend is for it. */
  route(request: IncomingMessage): string | undefined;
}

export function route(routes: IngressRoutes, request: IncomingMessage): string | undefined {
  const path = pathOf(request.url ?? "");
  return path === undefined ? routes.defaultBackend : chooseBackend(routes, hostName(request.headers.host ?? ""), path);
}

/** The answers that the gateway gives by itself. */
export const refusals = {
  404: "default backend - 404\n",
  502: "502 Bad Gateway: the backend closed the connection or answered with something that is not HTTP\n",
  503: "503 Service Temporarily Unavailable: no endpoint of the backend is ready\n",
  504: "504 Gateway Timeout: the backend did not answer in time\n",
} as const;

export type Refusal = keyof typeof refusals;
