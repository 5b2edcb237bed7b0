/** Calls the JSON-RPC of the node on this machine. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BlockchainError, messageOf } from "../errors.ts";
import { RpcError } from "../rpc/errors.ts";

export interface RpcTarget {
  readonly host: string;
  readonly port: number;
  /** user:password */
  readonly credentials: string;
  readonly wallet?: string | undefined;
}

/** Folder of the node's databases, where its cookie lies. */
export const COOKIE_NAME = ".cookie";

export async function readCookie(dataDir: string): Promise<string> {
  const path = join(dataDir, COOKIE_NAME);
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new BlockchainError(
      "connection",
      `no node runs here, or its data are elsewhere: ${path} can't be read. Name the folder with TREE_DIR, or a user with RPC_USER and RPC_PASSWORD.`,
      { cause },
    );
  }
}

/** The result. Rejects with BlockchainError `connection`, or RpcError with what the node says. */
export async function callRpc(target: RpcTarget, method: string, params: unknown): Promise<unknown> {
  const path = target.wallet === undefined ? "/" : `/wallet/${encodeURIComponent(target.wallet)}`;
  const url = `http://${target.host}:${target.port}${path}`;
  const response = await fetch(url, {
    method: "POST",
    headers: {
      authorization: `Basic ${Buffer.from(target.credentials).toString("base64")}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  }).catch((cause: unknown) => {
    throw new BlockchainError("connection", `no node answers at ${url}: ${messageOf(cause)}`, { cause });
  });
  if (response.status === 401)
    throw new BlockchainError("connection", `the node at ${url} knows these credentials not`);
  const text = await response.text();
  if (!response.ok) throw new BlockchainError("connection", `${url}: HTTP ${response.status} ${text.trim()}`);
  const { result, error } = JSON.parse(text) as { result?: unknown; error?: { code: number; message: string } };
  if (error) throw RpcError.of(error.code, error.message);
  return result;
}
