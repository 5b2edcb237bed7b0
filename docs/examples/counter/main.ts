/** A replicated counter: POST adds one, GET reads. Whoever holds the Lease answers; what it has answered is on the disk of every in-sync replica. */
import { createServer } from "node:http";
import { connectKube } from "@coracle/kube";
import { LeaseLogError, openReplicatedLog } from "@coracle/lease-log";
import {
  createElection,
  createLogger,
  discover,
  electionTimingFromEnv,
  keepRoleLabel,
  kubeLease,
  podIdentity,
  runPod,
  serveHealth,
} from "@coracle/pod";
import { Counter } from "./counter.ts";

const ADD_ONE = Buffer.from("+1");
const dir = process.env.DATA_DIR ?? "data";

const identity = podIdentity();
const logger = createLogger({ fields: { pod: identity.name } });
const kube = await connectKube();
const health = await serveHealth({ port: 8080 });
const peers = discover({ kube, logger, port: 7000 });
const counter = await Counter.open(dir);
const election = createElection({
  access: kubeLease(kube, { name: "counter-leader", namespace: identity.namespace }),
  identity,
  timing: electionTimingFromEnv(),
  candidacy: (record) => log.candidacy(record),
  logger,
});
const log = await openReplicatedLog({
  id: identity.name,
  dir: `${dir}/log`,
  arbiter: election,
  peers,
  stateMachine: counter,
  mode: "sync",
  host: "0.0.0.0",
  port: 7000,
});
const label = keepRoleLabel({ kube, identity, election, word: "leader", logger });

const server = createServer(async ({ method }, response) => {
  try {
    if (method !== "POST") await log.readBarrier();
    const value = method === "POST" ? await log.propose(ADD_ONE) : counter.value;
    response.end(`${value}\n`);
  } catch (error) {
    // 503: certainly not done. 504: it may count, or not; only the client can tell whether adding again would be wrong.
    const isUnknown = error instanceof LeaseLogError && error.code === "indeterminate";
    // Closed, so that the client's next connection may go to another pod: this one may keep its label while it can't reach the API.
    response
      .writeHead(isUnknown ? 504 : 503, { connection: "close" })
      .end(`${error instanceof Error ? error.message : error}\n`);
  }
});

await runPod({
  logger,
  health,
  phases: [
    { name: "health", stop: () => health.stop() },
    { name: "peers", stop: () => peers.stop() },
    { name: "label", stop: () => label.stop() },
    { name: "log", start: () => log.start() },
    { name: "election", start: () => election.start(), stop: () => election.stop() },
    // Stopped before the election: a primary that leaves hands the Lease over to a replica that has everything.
    { name: "replica", stop: () => log.stop() },
    { name: "http", start: () => void server.listen(8000), stop: () => void server.close() },
  ],
});
