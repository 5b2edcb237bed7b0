/**
 * The wallet file: a line that says what it is (name, version, length and SHA-256 of the rest), then JSON. Cut short, altered, of a later
 * version or of another kind, it is refused with the reason and left as it is.
 */
import { createHash } from "node:crypto";
import { WalletError } from "../errors.ts";
import type { StoredNote, StoredTransaction, Unsealed, WalletDocument, WalletRecord } from "./document.ts";
import { isAffordable, type Sealed } from "./seal.ts";

const NAME = "coracle-wallets";
const VERSION = 1;
/** Far beyond what labels and unconfirmed transactions of a wallet take. */
export const LARGEST_FILE = 64 * 1024 * 1024;

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

export function encodeWallets(document: WalletDocument): string {
  const body = `${JSON.stringify(document, null, 1)}\n`;
  return `${NAME} ${VERSION} ${Buffer.byteLength(body)} ${sha256(body)}\n${body}`;
}

/** Throws `bad-file`. */
export function decodeWallets(text: string): WalletDocument {
  const end = text.indexOf("\n");
  const [name, version, length, sum] = text.slice(0, Math.max(0, end)).split(" ");
  const body = text.slice(end + 1);
  if (name !== NAME) throw refused("it does not begin as a wallet file does");
  if (version !== String(VERSION)) throw refused(`it has version ${version}, and this program reads ${VERSION}`);
  const sizeBytes = Buffer.byteLength(body);
  if (String(sizeBytes) !== length)
    throw refused(`it has ${sizeBytes} bytes where ${length} were written: it was cut short or altered`);
  if (sha256(body) !== sum) throw refused("its checksum does not fit: it was altered or the disk is failing");
  return checked(parse(body));
}

const refused = (why: string, cause?: unknown): WalletError =>
  new WalletError("bad-file", `The wallet file is refused, and was left as it is: ${why}. Put back a backup of it.`, {
    cause,
  });

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // The parser's message quotes the text, which may hold a secret.
    throw refused("it is not JSON");
  }
}

type Check = (value: unknown) => boolean;
type Shape<T> = { readonly [key in keyof T]-?: Check };

const text: Check = (value) => typeof value === "string";
const flag: Check = (value) => typeof value === "boolean";
const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
/** Of addresses handed out: each costs a derivation at every start. */
const index: Check = (value) => count(value) && (value as number) < 10_000_000;
const hex: Check = (value) => typeof value === "string" && value.length % 2 === 0 && /^[0-9a-f]*$/.test(value);
const maybe =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const list =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const oneOf =
  (...all: readonly unknown[]): Check =>
  (value) =>
    all.includes(value);
const either =
  (...all: readonly Check[]): Check =>
  (value) =>
    all.some((check) => check(value));
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const pair: Check = (value) => Array.isArray(value) && value.length === 2 && value.every(index);
const texts: Check = (value) => isObject(value) && Object.values(value).every(text);

/** All keys fit, and there are no others: a key that we do not know would be lost with the next write. */
const shape =
  <T>(keys: Shape<T>): Check =>
  (value) =>
    isObject(value) &&
    Object.keys(value).every((key) => key in keys) &&
    Object.entries(keys).every(([key, check]) => (check as Check)(value[key]));

const sealed: Check = (value) =>
  shape<Sealed>({
    kind: oneOf("scrypt-aes-256-gcm"),
    n: count,
    r: count,
    p: count,
    salt: hex,
    nonce: (nonce) => hex(nonce) && (nonce as string).length === 24,
    ciphertext: hex,
    tag: (tag) => hex(tag) && (tag as string).length === 32,
  })(value) && isAffordable(value as Sealed);

const record = shape<WalletRecord>({
  name: text,
  loaded: flag,
  birthday: count,
  secret: either(sealed, shape<Unsealed>({ kind: oneOf("plain"), secret: hex })),
  fingerprint: (value) => hex(value) && (value as string).length === 8,
  accounts: shape<WalletRecord["accounts"]>({ "84": text, "86": text }),
  next: shape<WalletRecord["next"]>({ 84: pair, 86: pair }),
  labels: texts,
  lockedCoins: list(text),
  unconfirmed: list(shape<StoredTransaction>({ hex, received: count, abandoned: flag })),
  notes: list(shape<StoredNote>({ txid: text, comment: maybe(text), replaces: maybe(text), replacedBy: maybe(text) })),
});

function checked(value: unknown): WalletDocument {
  if (!shape<WalletDocument>({ network: text, wallets: list(record) })(value))
    throw refused("a value in it is missing, unknown or out of range");
  const { wallets } = value as WalletDocument;
  if (new Set(wallets.map(({ name }) => name)).size !== wallets.length) throw refused("two wallets have one name");
  return value as WalletDocument;
}
