/** The bare signature library: threads that verify signatures with nothing around them. What no validation can be faster than. */
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { verifyEcdsa, verifySchnorr } from "../../systems/blockchain/dist/script/curve.js";
import type { Signed } from "./fixture.ts";

export const verifyBare = ({ isSchnorr, hash, key, signature }: Signed): boolean =>
  isSchnorr ? verifySchnorr(hash, key, signature) : verifyEcdsa(hash, key, signature);

const copy = ({ isSchnorr, hash, key, signature }: Signed): Signed => ({
  isSchnorr,
  hash: Buffer.from(hash),
  key: Buffer.from(key),
  signature: Buffer.from(signature),
});

/** Takes signatures, then verifies them when told to. */
function serve(): void {
  let rows: readonly Signed[] = [];
  parentPort?.on("message", (message: readonly Signed[] | "go") => {
    if (message === "go") return parentPort?.postMessage(rows.every(verifyBare));
    rows = message.map(copy);
    return parentPort?.postMessage(true);
  });
}

if (!isMainThread) serve();

export class BareThreads {
  readonly #workers: readonly Worker[];

  constructor(threads: number) {
    this.#workers = Array.from({ length: threads }, () => new Worker(fileURLToPath(import.meta.url)));
  }

  /** Deals them out: threads have the same share of each kind. */
  async load(signed: readonly Signed[]): Promise<void> {
    const count = this.#workers.length;
    await this.#tell((i) => signed.filter((_, at) => at % count === i));
  }

  async verify(): Promise<void> {
    const valid = await this.#tell(() => "go");
    if (!valid.every(Boolean)) throw new TypeError("a valid signature was refused");
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #tell(message: (thread: number) => readonly Signed[] | "go"): Promise<boolean[]> {
    return Promise.all(
      this.#workers.map(async (worker, i) => {
        worker.postMessage(message(i));
        const [answer] = await once(worker, "message");
        return answer as boolean;
      }),
    );
  }
}
