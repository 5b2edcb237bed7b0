/**
 * How fast a block's scripts are checked, against the bare signature library in the same run. Run: npm run bench -- blockchain-verify [rounds]
 *
 * For each kind of output: the library verifying the same signatures with nothing around it, on as many threads as there are cores, and the
 * verifier of the node on as many, from transaction objects to the verdict. Rounds alternate, so that what else the machine does falls on
 * both; the median of the rounds counts, and so does their ratio. Besides, what each library verifies on one thread.
 */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { availableParallelism, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { schnorr, secp256k1 } from "@noble/curves/secp256k1.js";
import * as wasm from "tiny-secp256k1";
import { createVerifier, type SpendingTransaction } from "../systems/blockchain/dist/consensus/verifier.js";
import { hash160 } from "../systems/blockchain/dist/primitives/hash.js";
import type { Transaction } from "../systems/blockchain/dist/primitives/transaction.js";
import { curveLibrary, verifyEcdsa, verifySchnorr } from "../systems/blockchain/dist/script/curve.js";
import { pushOf } from "../systems/blockchain/dist/script/parse.js";
import { legacySignatureHash, segwitSignatureHash } from "../systems/blockchain/dist/script/signature-hash.js";
import { Spending } from "../systems/blockchain/dist/script/spending.js";
import { taprootSignatureHash } from "../systems/blockchain/dist/script/taproot.js";
import { keyHashScript } from "../systems/blockchain/dist/script/witness.js";
import { publish, type Row, table } from "./parts/report.ts";

/** What the bare library gets. */
interface Signed {
  readonly hash: Buffer;
  readonly key: Buffer;
  readonly signature: Buffer;
}

interface Spend extends SpendingTransaction {
  readonly signed: Signed;
}

type Kind = "p2wpkh" | "p2tr" | "p2pkh";

const threads = availableParallelism();
const rounds = Number(process.argv[2] ?? 7);
const perRound = 3000;
/** Rounds that don't count: V8 compiles in them, in every thread anew, which takes as long as checking some ten thousand inputs. */
const warmUpRounds = 12;
const privateKey = createHash("sha256").update("coracle bench").digest();
const publicKey = Buffer.from(wasm.pointFromScalar(privateKey, true) as Uint8Array);

const outputScripts: Readonly<Record<Kind, Buffer>> = {
  p2wpkh: Buffer.concat([Buffer.from([0, 20]), hash160(publicKey)]),
  p2tr: Buffer.concat([Buffer.from([0x51, 32]), publicKey.subarray(1)]),
  p2pkh: keyHashScript(hash160(publicKey)),
};

/** DER of a compact signature, with the hash type behind. */
function der(compact: Buffer): Buffer {
  const integer = (bytes: Buffer): Buffer => {
    let start = 0;
    while (start < 31 && bytes[start] === 0) start++;
    const digits = bytes.subarray(start);
    const positive = (digits[0] as number) & 0x80 ? Buffer.concat([Buffer.from([0]), digits]) : digits;
    return Buffer.concat([Buffer.from([2, positive.length]), positive]);
  };
  const body = Buffer.concat([integer(compact.subarray(0, 32)), integer(compact.subarray(32))]);
  return Buffer.concat([Buffer.from([0x30, body.length]), body, Buffer.from([1])]);
}

/** One input, two outputs, as payments mostly are. */
function unsigned(): Transaction {
  const out = { value: 1000, script: outputScripts.p2wpkh };
  const prevout = { hash: randomBytes(32), index: 0 };
  const input = { prevout, script: Buffer.alloc(0), sequence: 0xfffffffd, witness: [] };
  return { version: 2, inputs: [input], outputs: [out, out], lockTime: 0 };
}

function spend(kind: Kind): Spend {
  const tx = unsigned();
  const spent = [{ value: 3000, script: outputScripts[kind] }];
  const spending = new Spending(tx, spent);
  const input = tx.inputs[0] as Transaction["inputs"][number];
  const withInput = (part: { script?: Buffer; witness?: Buffer[] }): Transaction => ({
    ...tx,
    inputs: [{ ...input, ...part }],
  });
  if (kind === "p2tr") {
    const hash = taprootSignatureHash(spending, { index: 0, hashType: 0 }) as Buffer;
    const even = publicKey[0] === 2 ? privateKey : Buffer.from(wasm.privateNegate(privateKey));
    const signature = Buffer.from(wasm.signSchnorr(hash, even));
    return { tx: withInput({ witness: [signature] }), spent, signed: { hash, key: publicKey.subarray(1), signature } };
  }
  const code = outputScripts.p2pkh;
  const hash = kind === "p2wpkh" ? segwitSignatureHash(spending, 0, code, 1) : legacySignatureHash(tx, 0, code, 1);
  const signature = Buffer.from(wasm.sign(hash, privateKey));
  const pushed = der(signature);
  const part =
    kind === "p2wpkh"
      ? { witness: [pushed, publicKey] }
      : { script: Buffer.concat([pushOf(pushed), pushOf(publicKey)]) };
  return { tx: withInput(part), spent, signed: { hash, key: publicKey, signature } };
}

const verifyBare = (isSchnorr: boolean, { hash, key, signature }: Signed): boolean =>
  isSchnorr ? verifySchnorr(hash, key, signature) : verifyEcdsa(hash, key, signature);

/** A thread that verifies its share whenever it is told to. */
function bareThread(): void {
  const { isSchnorr, signed } = workerData as { isSchnorr: boolean; signed: Signed[] };
  const rows = signed.map((row) => ({
    hash: Buffer.from(row.hash),
    key: Buffer.from(row.key),
    signature: Buffer.from(row.signature),
  }));
  parentPort?.on("message", () => parentPort?.postMessage(rows.every((row) => verifyBare(isSchnorr, row))));
}

function startBare(kind: Kind, spends: readonly Spend[]): Worker[] {
  const share = Math.ceil(spends.length / threads);
  return Array.from({ length: threads }, (_, i) => {
    const signed = spends.slice(i * share, (i + 1) * share).map((one) => one.signed);
    return new Worker(fileURLToPath(import.meta.url), { workerData: { isSchnorr: kind === "p2tr", signed } });
  });
}

async function answered(worker: Worker): Promise<boolean> {
  worker.postMessage("go");
  const [isValid] = await once(worker, "message");
  return isValid;
}

async function timed(work: () => Promise<boolean>): Promise<{ rate: number; cpu: number }> {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  if (!(await work())) throw new TypeError("a valid signature was refused");
  const elapsed = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { rate: (perRound * 1000) / elapsed, cpu: (user + system) / perRound };
}

const median = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[all.length >> 1] as number;

async function compare(kind: Kind): Promise<Row> {
  const spends = Array.from({ length: perRound }, () => spend(kind));
  const bare = startBare(kind, spends);
  const verifier = createVerifier({ threads, cacheEntries: 0 });
  const results: Record<"bare" | "pool", { rate: number; cpu: number }[]> = { bare: [], pool: [] };
  for (let round = -warmUpRounds; round < rounds; round++) {
    const limit = await timed(async () => (await Promise.all(bare.map(answered))).every(Boolean));
    const pool = await timed(async () => (await verifier.verify(spends)) === undefined);
    if (round < 0) continue;
    results.bare.push(limit);
    results.pool.push(pool);
  }
  await Promise.all([verifier.close(), ...bare.map((worker) => worker.terminate())]);
  const of = (what: "bare" | "pool", key: "rate" | "cpu"): number => median(results[what].map((one) => one[key]));
  return [
    kind,
    Math.round(of("bare", "rate")),
    Math.round(of("pool", "rate")),
    percent(of("pool", "rate") / of("bare", "rate")),
    of("bare", "cpu").toFixed(1),
    of("pool", "cpu").toFixed(1),
    percent(of("bare", "cpu") / of("pool", "cpu")),
  ];
}

const percent = (ratio: number): string => `${Math.round(100 * ratio)} %`;

/** Verifications a second of CPU time on one thread. */
function perCpuSecond(verify: (row: Signed) => boolean, rows: readonly Signed[]): number {
  for (const row of rows.slice(0, 50)) if (!verify(row)) throw new TypeError("a valid signature was refused");
  const before = process.cpuUsage();
  let count = 0;
  for (const until = performance.now() + 1000; performance.now() < until; count += rows.length) rows.forEach(verify);
  const { user, system } = process.cpuUsage(before);
  return Math.round((count * 1e6) / (user + system));
}

function libraries(): Row[] {
  const ecdsa = Array.from({ length: 100 }, () => spend("p2wpkh").signed);
  const bip340 = Array.from({ length: 100 }, () => spend("p2tr").signed);
  const row = (name: string, verify: (row: Signed) => boolean, verifySchnorrBy: (row: Signed) => boolean): Row => [
    name,
    perCpuSecond(verify, ecdsa),
    perCpuSecond(verifySchnorrBy, bip340),
  ];
  return [
    row(
      `the node's (${curveLibrary} secp256k1)`,
      (one) => verifyBare(false, one),
      (one) => verifyBare(true, one),
    ),
    row(
      "tiny-secp256k1 (WebAssembly)",
      ({ hash, key, signature }) => wasm.verify(hash, key, signature),
      ({ hash, key, signature }) => wasm.verifySchnorr(hash, key, signature),
    ),
    row(
      "@noble/curves (JavaScript)",
      ({ hash, key, signature }) => secp256k1.verify(signature, hash, key, { prehash: false }),
      ({ hash, key, signature }) => schnorr.verify(signature, hash, key),
    ),
  ];
}

async function main(): Promise<void> {
  const loadBefore = loadavg()[0] ?? 0;
  const rows: Row[] = [];
  for (const kind of ["p2wpkh", "p2tr", "p2pkh"] as const) rows.push(await compare(kind));
  const head = ["output", "bare/s", "checked/s", "ratio", "bare, µs of CPU", "checked, µs of CPU", "ratio of CPU"];
  publish("blockchain-verify", `npm run bench -- blockchain-verify ${rounds}`, loadBefore, [
    `Inputs checked a second on ${threads} threads, one per transaction; median of ${rounds} rounds of ${perRound}.`,
    table(head, rows),
    "Signatures verified in a second of CPU time on one thread.",
    table(["library", "ECDSA/s", "BIP 340/s"], libraries()),
  ]);
}

if (isMainThread) await main();
else bareThread();
