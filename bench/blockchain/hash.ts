/**
 * Hashes per second of one core: the miner's kernel against a plain native loop.
 *
 * The native loop is SHA-256d of 80-byte headers in C, compiled here with `cc -O3`, as a straightforward program does it: no midstate, no vectors, no
 * instructions made for SHA. Without a compiler it is left out. `node:crypto` is OpenSSL, which uses the machine's SHA instructions where it has
 * them; called hash by hash from JavaScript, the calls cost more than the hashes. Rates are per second of CPU time; rounds alternate.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createScanner } from "../../systems/blockchain/dist/miner/hash/scanner.js";
import { ROUND_CONSTANTS } from "../../systems/blockchain/dist/miner/hash/sha256.js";
import { type Row, table } from "../parts/report.ts";
import { median, percent } from "./measure.ts";

const ROUNDS = 5;

const PLAIN_LOOP = `
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
static uint32_t K[64];
static const uint32_t IV[8] = {0x6a09e667,0xbb67ae85,0x3c6ef372,0xa54ff53a,0x510e527f,0x9b05688c,0x1f83d9ab,0x5be0cd19};
#define R(x,n) (((x)>>(n))|((x)<<(32-(n))))
static void block(uint32_t s[8], const uint8_t *p) {
  uint32_t w[64], v[8];
  for (int i = 0; i < 16; i++) w[i] = (uint32_t)p[4*i]<<24 | p[4*i+1]<<16 | p[4*i+2]<<8 | p[4*i+3];
  for (int i = 16; i < 64; i++) {
    uint32_t a = w[i-15], b = w[i-2];
    w[i] = (R(b,17)^R(b,19)^(b>>10)) + w[i-7] + (R(a,7)^R(a,18)^(a>>3)) + w[i-16];
  }
  memcpy(v, s, 32);
  for (int i = 0; i < 64; i++) {
    uint32_t t = v[7] + (R(v[4],6)^R(v[4],11)^R(v[4],25)) + ((v[4]&v[5])^(~v[4]&v[6])) + K[i] + w[i];
    uint32_t u = (R(v[0],2)^R(v[0],13)^R(v[0],22)) + ((v[0]&v[1])^(v[0]&v[2])^(v[1]&v[2]));
    v[7]=v[6]; v[6]=v[5]; v[5]=v[4]; v[4]=v[3]+t; v[3]=v[2]; v[2]=v[1]; v[1]=v[0]; v[0]=t+u;
  }
  for (int i = 0; i < 8; i++) s[i] += v[i];
}
static void digest(const uint8_t *in, size_t n, uint8_t out[32]) {
  uint32_t s[8]; uint8_t last[128] = {0}; size_t whole = n / 64 * 64, rest = n - whole;
  memcpy(s, IV, 32);
  for (size_t i = 0; i < whole; i += 64) block(s, in + i);
  memcpy(last, in + whole, rest); last[rest] = 0x80;
  size_t end = rest < 56 ? 64 : 128;
  for (int i = 0; i < 8; i++) last[end-1-i] = (uint8_t)((uint64_t)(n*8) >> (8*i));
  for (size_t i = 0; i < end; i += 64) block(s, last + i);
  for (int i = 0; i < 8; i++) { out[4*i]=s[i]>>24; out[4*i+1]=s[i]>>16; out[4*i+2]=s[i]>>8; out[4*i+3]=s[i]; }
}
int main(int argc, char **argv) {
  uint8_t header[80], a[32], b[32]; uint32_t zeros = 0; long count = atol(argv[1]);
  for (int i = 0; i < 64; i++) K[i] = (uint32_t)strtoul(argv[2+i], 0, 10);
  memset(header, 7, 80);
  clock_t begun = clock();
  for (long i = 0; i < count; i++) {
    uint32_t nonce = (uint32_t)i; memcpy(header + 76, &nonce, 4);
    digest(header, 80, a); digest(a, 32, b);
    if (b[31] == 0 && b[30] == 0) zeros++;
  }
  printf("%f %u\\n", count / ((double)(clock() - begun) / CLOCKS_PER_SEC), zeros);
  return 0;
}
`;

const HEADER = Buffer.alloc(80, 7);
/** Two zero bytes at the end, as the loop in C counts. */
const TARGET = Buffer.from(`0000${"ff".repeat(30)}`, "hex");
const COUNTED = 2_000_000;

/** Both must find the same, or one of them hashes something else. */
function hitsOf(kind: "simd" | "native", count: number): number {
  const scanner = createScanner(kind);
  scanner.load(HEADER, TARGET);
  let hits = 0;
  for (let done = 0; done < count; hits++) {
    const nonce = scanner.scan(done, count - done);
    if (nonce === undefined) break;
    done = nonce + 1;
  }
  return hits;
}

function ours(kind: "simd" | "native", count: number): number {
  const scanner = createScanner(kind);
  if (scanner.kind !== kind) throw new TypeError(`this machine has no ${kind} scanner`);
  scanner.load(HEADER, Buffer.alloc(32));
  const before = process.cpuUsage();
  scanner.scan(0, count);
  const { user, system } = process.cpuUsage(before);
  return (count * 1e6) / (user + system);
}

type PlainLoop = (count: number) => { readonly rate: number; readonly hits: number };

/** Undefined without a compiler. */
function compile(dir: string): PlainLoop | undefined {
  const program = join(dir, "plain");
  writeFileSync(`${program}.c`, PLAIN_LOOP);
  if (spawnSync("cc", ["-O3", "-o", program, `${program}.c`]).status !== 0) return undefined;
  return (count) => {
    const words = [String(count), ...ROUND_CONSTANTS.map(String)];
    const [rate = "0", hits = "0"] = execFileSync(program, words, { encoding: "utf8" }).trim().split(" ");
    return { rate: Number(rate), hits: Number(hits) };
  };
}

export async function run(): Promise<string[]> {
  const dir = mkdtempSync(join(tmpdir(), "bench-hash-"));
  const results = { kernel: [] as number[], crypto: [] as number[], plain: [] as number[] };
  try {
    const plain = compile(dir);
    if (plain && plain(COUNTED).hits !== hitsOf("simd", COUNTED)) throw new TypeError("the two loops disagree");
    ours("simd", COUNTED);
    for (let round = 0; round < ROUNDS; round++) {
      results.kernel.push(ours("simd", 20_000_000));
      results.crypto.push(ours("native", 500_000));
      if (plain) results.plain.push(plain(5_000_000).rate);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
  return report(results);
}

function report(results: Readonly<Record<"kernel" | "crypto" | "plain", readonly number[]>>): string[] {
  const hasPlain = results.plain.length > 0;
  const reference = median(hasPlain ? results.plain : results.crypto);
  const row = (name: string, rates: readonly number[]): Row => [
    name,
    (median(rates) / 1e6).toFixed(2),
    percent(median(rates) / reference),
  ];
  return [
    `SHA-256d of block headers on one core, millions in a second of CPU time; median of ${ROUNDS} rounds.`,
    table(
      ["how", "MH/s", hasPlain ? "of the plain native loop" : "of node:crypto"],
      [
        row("the miner's kernel (WebAssembly, 4 lanes, midstate)", results.kernel),
        row("node:crypto, hash by hash", results.crypto),
        ...(hasPlain ? [row("plain loop in C, cc -O3", results.plain)] : []),
      ],
    ),
    "Bound: the vector units; the kernel does nothing but rounds of SHA-256. Only the machine's SHA instructions, which WebAssembly cannot reach, would be faster.",
  ];
}
