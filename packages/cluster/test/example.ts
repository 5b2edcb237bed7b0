/** The example of the package's front page, to be compiled; `library.test.ts` keeps the two the same and runs it. */
import { writeFile } from "node:fs/promises";
import { startCluster } from "../src/index.ts";

const cluster = await startCluster();
await writeFile("kubeconfig", cluster.kubeconfig); // kubectl --kubeconfig kubeconfig get nodes
await cluster.registry.create("namespaces", { metadata: { name: "demo" } });
await cluster.stop();
