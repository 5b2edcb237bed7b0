/** Who may call: whoever can read the cookie file, and the user of the settings. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";

const COOKIE_USER = "__cookie__";

export interface RpcAccess {
  /** `header` is that of the request. */
  isAllowed(header: string | undefined): boolean;
  /** Removes the cookie. */
  close(): Promise<void>;
}

/** Writes a new cookie, readable by the owner only. */
export async function openAccess(
  cookiePath: string,
  user: string | undefined,
  password: string | undefined,
): Promise<RpcAccess> {
  const cookie = `${COOKIE_USER}:${randomBytes(32).toString("hex")}`;
  await rm(cookiePath, { force: true });
  await writeFile(cookiePath, cookie, { mode: 0o600 });
  const allowed = [cookie, ...(user !== undefined && password ? [`${user}:${password}`] : [])].map(digest);
  return {
    isAllowed(header) {
      const given = digest(credentials(header) ?? "");
      // All are compared, so that the time tells nothing.
      return allowed.map((each) => timingSafeEqual(each, given)).includes(true);
    },
    close: () => rm(cookiePath, { force: true }),
  };
}

function credentials(header: string | undefined): string | undefined {
  const [, encoded] = /^basic\s+([a-z0-9+/=]+)$/i.exec(header ?? "") ?? [];
  return encoded === undefined ? undefined : Buffer.from(encoded, "base64").toString("utf8");
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
