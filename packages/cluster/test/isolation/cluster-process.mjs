/** A cluster of its own process, to be killed: `node cluster-process.mjs DIR LEVEL NET`. Says `{ url, caPem, adminToken }` in a line once it runs. */
import { startCluster } from "@coracle/cluster";

const [dir, isolation, net] = process.argv.slice(2);
const cluster = await startCluster({
  dir,
  isolation,
  net: Number(net),
  loopbackLoadBalancers: false,
  restartBackoffMs: 200,
});
const { url, caPem, adminToken } = cluster;
process.stdout.write(`${JSON.stringify({ url, caPem, adminToken })}\n`);
process.once("SIGTERM", () => cluster.stop().then(() => process.exit(0)));
