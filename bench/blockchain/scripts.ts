/**
 * Scripts checked a second, by kind of output, against the bare signature library verifying the same signatures on as many threads. From
 * transaction objects to the verdict: encoding, messages, hashes to sign and the interpreter are what is measured.
 */
import { availableParallelism } from "node:os";
import { schnorr, secp256k1 } from "@noble/curves/secp256k1.js";
import * as wasm from "tiny-secp256k1";
import { createVerifier } from "../../systems/blockchain/dist/consensus/verifier.js";
import { curveLibrary } from "../../systems/blockchain/dist/script/curve.js";
import { type Row, table } from "../parts/report.ts";
import { BareThreads, verifyBare } from "./bare.ts";
import { KINDS, type Kind, makeSpends, type Signed } from "./fixture.ts";
import { measure, percent, Rounds } from "./measure.ts";

const PER_ROUND = 3000;
const ROUNDS = 7;
/** Rounds that don't count: V8 compiles in them, in every thread anew. */
const WARM_UP = 6;

async function compare(kind: Kind, threads: number): Promise<Row> {
  const spends = makeSpends(kind, PER_ROUND);
  const bare = new BareThreads(threads);
  await bare.load(spends.map(({ signed }) => signed));
  const verifier = createVerifier({ threads, cacheEntries: 0 });
  const limit = new Rounds();
  const ours = new Rounds();
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const bareTime = await measure(() => bare.verify());
    const ourTime = await measure(async () => {
      if ((await verifier.verify(spends)) !== undefined) throw new TypeError("a valid script was refused");
    });
    if (round < 0) continue;
    limit.add(bareTime, PER_ROUND);
    ours.add(ourTime, PER_ROUND);
  }
  await Promise.all([verifier.close(), bare.stop()]);
  return [
    kind,
    Math.round(limit.rate),
    Math.round(ours.rate),
    percent(ours.rate / limit.rate),
    limit.cpuMicros.toFixed(1),
    ours.cpuMicros.toFixed(1),
    percent(limit.cpuMicros / ours.cpuMicros),
  ];
}

/** Verifications a second of CPU time on one thread. */
function perCpuSecond(verify: (row: Signed) => boolean, rows: readonly Signed[]): number {
  for (const row of rows.slice(0, 50)) if (!verify(row)) throw new TypeError("a valid signature was refused");
  const before = process.cpuUsage();
  let count = 0;
  for (const until = performance.now() + 1000; performance.now() < until; count += rows.length) rows.forEach(verify);
  const { user, system } = process.cpuUsage(before);
  return Math.round((count * 1e6) / (user + system));
}

type Verify = (row: Signed) => boolean;

const LIBRARIES: readonly (readonly [name: string, ecdsa: Verify, bip340: Verify])[] = [
  [`the node's (${curveLibrary} secp256k1)`, verifyBare, verifyBare],
  [
    "tiny-secp256k1 (WebAssembly)",
    ({ hash, key, signature }) => wasm.verify(hash, key, signature),
    ({ hash, key, signature }) => wasm.verifySchnorr(hash, key, signature),
  ],
  [
    "@noble/curves (JavaScript)",
    ({ hash, key, signature }) => secp256k1.verify(signature, hash, key, { prehash: false }),
    ({ hash, key, signature }) => schnorr.verify(signature, hash, key),
  ],
];

export async function run(): Promise<string[]> {
  const threads = availableParallelism();
  const rows: Row[] = [];
  for (const kind of KINDS) rows.push(await compare(kind, threads));
  const head = ["output", "bare/s", "checked/s", "ratio", "bare, µs of CPU", "checked, µs of CPU", "ratio of CPU"];
  const ecdsa = makeSpends("p2wpkh", 100).map(({ signed }) => signed);
  const bip340 = makeSpends("p2tr", 100).map(({ signed }) => signed);
  return [
    `Inputs checked a second on ${threads} threads, one per transaction; median of ${ROUNDS} rounds of ${PER_ROUND}.`,
    table(head, rows),
    "Bound: three quarters of a checking thread's time is the signature library, a tenth the hashes that are signed (node:crypto, ten calls for p2wpkh), the rest decoding and the interpreter.",
    "Signatures verified in a second of CPU time on one thread.",
    table(
      ["library", "ECDSA/s", "BIP 340/s"],
      LIBRARIES.map(([name, one, other]) => [name, perCpuSecond(one, ecdsa), perCpuSecond(other, bip340)]),
    ),
  ];
}
