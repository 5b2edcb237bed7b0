/** A thread that looks for nonces. */
import { parentPort, workerData } from "node:worker_threads";
import { createScanner } from "../hash/scanner.ts";
import { type Job, type Report, SHARED, type WorkerData } from "./protocol.ts";

const ALL_NONCES = 2 ** 32;
/** How long a thread hashes before it looks whether its job still counts. */
const SLICE_MS = 5;
/** How often it says how far it is. */
const REPORT_MS = 500;

const { shared } = workerData as WorkerData;
const current = new Int32Array(shared);
const scanner = createScanner();
/** Nonces in a slice; adapted to the machine. */
let sliceSize = 4096;

parentPort?.on("message", (job: Job) => work(job));

function work({ id, header, target, cpuShare }: Job): void {
  scanner.load(Buffer.from(header), Buffer.from(target));
  let hashes = 0;
  let reported = performance.now();
  const report = (nonce: number | undefined, isLast: boolean): void => {
    parentPort?.postMessage({ id, nonce, hashes, isLast } satisfies Report);
    hashes = 0;
    reported = performance.now();
  };
  for (let start = 0; start < ALL_NONCES && isCurrent(id); ) {
    const count = Math.min(sliceSize, ALL_NONCES - start);
    const begun = performance.now();
    const nonce = scanner.scan(start, count);
    const spent = performance.now() - begun;
    hashes += nonce === undefined ? count : nonce - start + 1;
    if (nonce !== undefined) {
      report(nonce, true);
      return;
    }
    start += count;
    sliceSize = Math.max(1024, Math.min(2 ** 20, Math.round((count * SLICE_MS) / Math.max(spent, 0.1))));
    if (performance.now() - reported > REPORT_MS) report(undefined, false);
    if (cpuShare < 1) Atomics.wait(current, SHARED.job, id, (spent * (1 - cpuShare)) / cpuShare);
  }
  report(undefined, true);
}

const isCurrent = (id: number): boolean => Atomics.load(current, SHARED.job) === id;
