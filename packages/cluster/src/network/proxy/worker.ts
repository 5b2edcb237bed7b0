/** Entry point of the proxy's worker thread: load on the data path never delays the API, nor the API the data path. */
import { parentPort } from "node:worker_threads";
import { Gateway } from "../ingress/gateway/gateway.ts";
import { DataPath } from "./data-path.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

const port = parentPort;
if (port) {
  const say = (message: FromWorker): void => port.postMessage(message);
  const path = new DataPath(say);
  const gateway = new Gateway((report) => say({ type: "site", report }));
  port.on("message", async (message: ToWorker) => {
    if (message.type === "stop") {
      path.stop();
      gateway.stop();
      // Not by closing the port: a change that is being applied may open sockets after this, which would keep the thread alive for ever.
      process.exit(0);
    }
    if (message.type === "ingress") await gateway.apply(message.table);
    else await path.apply(message.rows, message.removed);
    say({ type: "applied", sequence: message.sequence });
  });
}
