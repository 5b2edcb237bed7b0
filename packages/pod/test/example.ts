/** The example of the package's front page, to be compiled; `example.test.ts` keeps the two the same. */
import { connectKube } from "@coracle/kube";
import {
  createElection,
  createLogger,
  discover,
  electionTimingFromEnv,
  keepRoleLabel,
  kubeLease,
  loadConfig,
  podIdentity,
  runPod,
  serveHealth,
  setting,
} from "../src/index.ts";

const pod = podIdentity();
const logger = createLogger({ fields: { pod: pod.name } });
const config = loadConfig({ port: setting.integer({ help: "client port", default: 5555, min: 1, max: 65_535 }) });
const kube = await connectKube();
const health = await serveHealth();
const election = createElection({
  access: kubeLease(kube, { name: "example", namespace: pod.namespace }),
  identity: pod,
  timing: electionTimingFromEnv(),
  logger,
});
const label = keepRoleLabel({ kube, identity: pod, election, word: "master", logger });
const peers = discover({ kube, logger, port: config.port });
election.subscribe(({ term }) => logger.info(term ? "leading" : "following", { epoch: term?.epoch }));
await runPod({
  logger,
  health,
  phases: [
    { name: "health", stop: () => health.stop() },
    { name: "peers", stop: () => peers.stop() },
    { name: "label", stop: () => label.stop() },
    { name: "election", start: () => election.start(), stop: () => election.stop() },
  ],
});
