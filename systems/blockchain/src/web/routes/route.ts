/** What a row of the API's table is. The same rows serve requests, check them, and make the OpenAPI document. */
import type { Access } from "../access.ts";
import type { WebBackend } from "../backend.ts";
import type { JsonSchema } from "../schemas.ts";
import type { Page } from "../views.ts";

/** Where a row is served: `/api/v1`, `/api/admin` (admin key), `/api/wallet` (wallet or admin key). */
export type Mount = "v1" | "admin" | "wallet";

export interface Call<P = unknown, Q = unknown, B = unknown> {
  readonly backend: WebBackend;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

export interface Route {
  readonly method: "GET" | "POST" | "PUT";
  /** Below the mount; parameters as `:name`. */
  readonly path: string;
  readonly at: readonly Mount[];
  /** At `/api/v1` only: `spend` needs a key unless a setting opens it, as the original was. The other mounts have their own keys. */
  readonly access: "open" | "spend";
  readonly tag: string;
  readonly summary: string;
  readonly params?: JsonSchema;
  readonly query?: JsonSchema;
  readonly body?: JsonSchema;
  /** Of `data`; undefined lists the page's items. */
  readonly answer: JsonSchema;
  /** Default 200. */
  readonly status?: number;
  readonly handle: (call: Call) => unknown;
}

/** Ties the handler's types to the row; the schemas have checked what arrives. */
export const route = <P = unknown, Q = unknown, B = unknown>(
  row: Omit<Route, "handle"> & { readonly handle: (call: Call<P, Q, B>) => unknown },
): Route => row as Route;

/** The key that a row asks for at a mount. */
export function accessAt(mount: Mount, { access }: Route, openSpending: boolean): Access {
  if (mount !== "v1") return mount;
  return access === "spend" && !openSpending ? "wallet" : "open";
}

/** A part of a list that is in memory. */
export function pageOf<T>(
  all: readonly T[],
  { page, limit }: { readonly page: number; readonly limit: number },
): Page<T> {
  return { items: all.slice((page - 1) * limit, page * limit), page, limit, total: all.length };
}
