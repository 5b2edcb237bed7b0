/** A thread that checks batches of inputs. */
import { parentPort } from "node:worker_threads";
import { checkBatch } from "./script-batch.ts";

parentPort?.on("message", (batch: ArrayBuffer) => parentPort?.postMessage(checkBatch(batch)));
