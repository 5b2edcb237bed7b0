/**
 * Loaded with `--require` into every Node.js process of a pod (worker threads and child processes included, by NODE_OPTIONS):
 * puts the process on the cluster's network. Outside a pod it changes nothing. No dependencies, a few milliseconds.
 */
import { syncBuiltinESMExports } from "node:module";
import { installFaults } from "../../faults/preload/install.ts";
import { followPolicy } from "./guard.ts";
import { patchDns } from "./patch-dns.ts";
import { patchTcp } from "./patch-tcp.ts";
import { patchUdp } from "./patch-udp.ts";
import { readSettings } from "./settings.ts";

const settings = readSettings(process.env);
if (settings) {
  patchDns(settings);
  const guard = followPolicy(settings.policyFile, settings.podIp);
  patchTcp(settings.podIp, guard);
  patchUdp(settings.podIp, guard);
  installFaults(settings.faultsFile);
  // `import { lookup } from "node:dns"` sees the change, too.
  syncBuiltinESMExports();
}
