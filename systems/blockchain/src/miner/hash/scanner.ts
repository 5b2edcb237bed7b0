/** Looks for a nonce, by the vector kernel where the machine has one, else with node:crypto. */
import { createHash } from "node:crypto";
import { kernelModule, LAYOUT } from "./kernel.ts";
import { compress, INITIAL_STATE, runRounds, wordsOf } from "./sha256.ts";

export const HEADER_BYTES = 80;
const NONCE_OFFSET = 76;

export interface Scanner {
  /** Which of the two it is. */
  readonly kind: "simd" | "native";
  /** The work from now on: a serialized header, whose nonce does not matter, and the target as 32 bytes, highest first. */
  load(header: Buffer, target: Buffer): void;
  /** A nonce among `count` from `start` on (wrapping at 2^32) with which the hash meets the target, or undefined. */
  scan(start: number, count: number): number | undefined;
}

interface Kernel {
  readonly memory: { readonly buffer: ArrayBuffer };
  scan(start: number, count: number): number;
}

/** What is used of it: the compiler knows WebAssembly only as part of browsers. */
interface WasmApi {
  validate(code: Uint8Array): boolean;
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

const { WebAssembly: wasm } = globalThis as unknown as { readonly WebAssembly: WasmApi };

export function createScanner(kind?: Scanner["kind"]): Scanner {
  const code = kernelModule();
  if (kind === "native" || !wasm.validate(code)) return nativeScanner();
  const { exports } = new wasm.Instance(new wasm.Module(code));
  return simdScanner(exports as Kernel);
}

const sha256 = (bytes: Buffer): Buffer => createHash("sha256").update(bytes).digest();

/** A header with a nonce, tested against a target. */
function createProbe(header: Buffer, target: Buffer): (nonce: number) => boolean {
  const bytes = Buffer.from(header);
  return (nonce) => {
    bytes.writeUInt32LE(nonce >>> 0, NONCE_OFFSET);
    return sha256(sha256(bytes)).reverse().compare(target) <= 0;
  };
}

function nativeScanner(): Scanner {
  let isHit: ReturnType<typeof createProbe> = () => false;
  return {
    kind: "native",
    load: (header, target) => {
      isHit = createProbe(header, target);
    },
    scan: (start, count) => {
      for (let i = 0; i < count; i++) if (isHit(start + i)) return (start + i) >>> 0;
      return undefined;
    },
  };
}

function simdScanner(kernel: Kernel): Scanner {
  const memory = new DataView(kernel.memory.buffer);
  const write = (offset: number, words: readonly number[]): void => {
    for (const [i, word] of words.entries()) memory.setInt32(offset + 4 * i, word, true);
  };
  let isHit: ReturnType<typeof createProbe> = () => false;
  return {
    kind: "simd",
    load: (header, target) => {
      const midstate = compress(INITIAL_STATE, wordsOf(header, 0, 16));
      const words = wordsOf(header, 64, 3);
      write(LAYOUT.midstate, midstate);
      write(LAYOUT.advanced, runRounds(midstate, words, 3));
      write(LAYOUT.words, words);
      write(LAYOUT.targetTop, [target.readInt32BE(0)]);
      isHit = createProbe(header, target);
    },
    scan: (start, count) => {
      for (let done = 0; done < count; ) {
        const step = kernel.scan(start + done, count - done);
        if (step < 0) return undefined;
        done += step;
        for (const end = Math.min(done + 4, count); done < end; done++) {
          if (isHit(start + done)) return (start + done) >>> 0;
        }
      }
      return undefined;
    },
  };
}
