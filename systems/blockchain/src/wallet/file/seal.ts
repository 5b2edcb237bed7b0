/**
 * The secret of a wallet under a passphrase: scrypt makes the key, AES-256-GCM encrypts and authenticates. What the wallet shows without
 * the passphrase (its public keys) is authenticated with it, so a file whose public keys were exchanged, which would have it hand out
 * somebody else's addresses, does not open.
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from "node:crypto";
import { WalletError } from "../errors.ts";

export interface Sealed {
  readonly kind: "scrypt-aes-256-gcm";
  /** scrypt's cost: 128 * n * r bytes of memory, p times. */
  readonly n: number;
  readonly r: number;
  readonly p: number;
  /** All in hexadecimal. */
  readonly salt: string;
  readonly nonce: string;
  readonly ciphertext: string;
  readonly tag: string;
}

export interface Cost {
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

/** 32 MB three times over, one of OWASP's equivalent settings: dear for who guesses, and it fits a small pod. */
export const defaultCost: Cost = { n: 2 ** 15, r: 8, p: 3 };
/** What a file may ask for; beyond it an altered file would stop the node for hours. */
const MOST_MEMORY = 256 * 1024 * 1024;
const MOST_PASSES = 16;
const LONGEST_PASSPHRASE = 1_024;

export async function seal(
  secret: Uint8Array,
  passphrase: string,
  bound: string,
  cost: Cost = defaultCost,
): Promise<Sealed> {
  const [salt, nonce] = [randomBytes(16), randomBytes(12)];
  const key = await keyOf(passphrase, salt, cost);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(bound));
  const ciphertext = Buffer.concat([cipher.update(secret), cipher.final()]);
  key.fill(0);
  return {
    kind: "scrypt-aes-256-gcm",
    ...cost,
    salt: salt.toString("hex"),
    nonce: nonce.toString("hex"),
    ciphertext: ciphertext.toString("hex"),
    tag: cipher.getAuthTag().toString("hex"),
  };
}

/** Rejects with `bad-passphrase` when it is another or the file was altered; the two can not be told apart. */
export async function unseal(sealed: Sealed, passphrase: string, bound: string): Promise<Buffer> {
  const key = await keyOf(passphrase, Buffer.from(sealed.salt, "hex"), sealed);
  const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(sealed.nonce, "hex"), { authTagLength: 16 });
  decipher.setAAD(Buffer.from(bound)).setAuthTag(Buffer.from(sealed.tag, "hex"));
  try {
    const start = decipher.update(Buffer.from(sealed.ciphertext, "hex"));
    decipher.final();
    // GCM encrypts as a stream: nothing comes with the last call, which only checks.
    return start;
  } catch {
    throw new WalletError("bad-passphrase", "The wallet passphrase entered was incorrect.");
  } finally {
    key.fill(0);
  }
}

export const isAffordable = ({ n, r, p }: Cost): boolean =>
  [n, r, p].every((value) => Number.isSafeInteger(value) && value > 0) &&
  (n & (n - 1)) === 0 &&
  n > 1 &&
  128 * n * r <= MOST_MEMORY &&
  p <= MOST_PASSES;

function keyOf(passphrase: string, salt: Buffer, { n, r, p }: Cost): Promise<Buffer> {
  if (passphrase.length > LONGEST_PASSPHRASE)
    throw new WalletError("bad-passphrase", `a passphrase has at most ${LONGEST_PASSPHRASE} characters`);
  const options = { N: n, r, p, maxmem: 2 * MOST_MEMORY };
  // The same words typed on another keyboard may come as other code points.
  const bytes = Buffer.from(passphrase.normalize("NFKC"));
  return new Promise((resolve, reject) => {
    scrypt(bytes, salt, 32, options, (error, key) => {
      bytes.fill(0);
      if (error) reject(error);
      else resolve(key);
    });
  });
}
