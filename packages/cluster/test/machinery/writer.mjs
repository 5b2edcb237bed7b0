/** Writes config maps to the store in a folder, sixteen at a time, and prints the name of each that is acknowledged. */
import { openStore } from "../../dist/machinery/open-store.js";

const range = { size: 1000, at: (index) => `127.9.128.${index}`, contains: () => true };
const store = await openStore({ dir: process.argv[2], plan: { services: range }, snapshotBytes: 2000 });

async function write(worker) {
  for (let round = 0; ; round++) {
    const name = `c-${worker}-${round}`;
    await store.create("configmaps", { metadata: { name, namespace: "default" }, data: { round: String(round) } });
    process.stdout.write(`${name}\n`);
  }
}

await Promise.all(Array.from({ length: 16 }, (_, worker) => write(worker)));
