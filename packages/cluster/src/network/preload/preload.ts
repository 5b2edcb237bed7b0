/**
 * Loaded with `--require` into every Node.js process of a pod (worker threads and child processes included, by NODE_OPTIONS):
 * puts the process on the cluster's network. Outside a pod it changes nothing. No dependencies, a few milliseconds.
 */
import { syncBuiltinESMExports } from "node:module";
import { installFaults } from "../../faults/preload/install.ts";
import { followPolicy } from "./guard.ts";
import { patchDns } from "./patch-dns.ts";
import { patchSockets } from "./patch-sockets.ts";
import { readSettings } from "./settings.ts";

const settings = readSettings(process.env);
if (settings) {
  patchDns(settings);
  patchSockets(settings.podIp, followPolicy(settings.policyFile, settings.podIp));
  installFaults(settings.faultsFile);
  // `import { lookup } from "node:dns"` sees the change, too.
  syncBuiltinESMExports();
}
