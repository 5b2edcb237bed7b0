/** The example of the package's front page, to be compiled; `example.test.ts` keeps the two the same. */
import { connectKube, resources } from "../src/index.ts";

const kube = await connectKube();
const pod = await kube.get(resources.pods, "kvstore-0");
console.log(pod.status?.podIP);
await kube.patch(resources.pods, "kvstore-0", { metadata: { labels: { role: "master" } } });
for await (const event of kube.watch(resources.pods, { labelSelector: "app=kvstore" })) {
  console.log(event.type);
}
