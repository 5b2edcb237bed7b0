/** MASTER_ORDINAL: which pod should be primary if it can be without losing anything. */
import { KvStoreError } from "../errors.ts";

type Env = Readonly<Record<string, string | undefined>>;

/**
 * From the file that MASTER_ORDINAL_FILE names (the mounted ConfigMap, which follows edits), else from MASTER_ORDINAL. Undefined when
 * neither says. Rejects with `bad-config` when it is no ordinal.
 */
export async function readOrdinal(env: Env, read: (path: string) => Promise<string>): Promise<number | undefined> {
  const path = env.MASTER_ORDINAL_FILE;
  const fromFile = path ? await read(path).catch(() => undefined) : undefined;
  const text = (fromFile ?? env.MASTER_ORDINAL ?? "").trim();
  if (text === "") return undefined;
  if (!/^\d{1,6}$/.test(text))
    throw new KvStoreError(
      "bad-config",
      `MASTER_ORDINAL must be a pod's number, such as 0 for kvstore-0, not "${text}".`,
    );
  return Number(text);
}
