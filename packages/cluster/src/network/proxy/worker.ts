/** Entry point of the proxy's worker thread: load on the data path never delays the API, nor the API the data path. */
import { parentPort } from "node:worker_threads";
import { DataPath } from "./data-path.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

const port = parentPort;
if (port) {
  const path = new DataPath((message) => port.postMessage(message));
  port.on("message", async (message: ToWorker) => {
    if (message.type === "stop") {
      path.stop();
      port.close();
      return;
    }
    await path.apply(message.rows, message.removed);
    port.postMessage({ type: "applied", sequence: message.sequence } satisfies FromWorker);
  });
}
