import { type KubeClient, KubeError } from "@coracle/kube";
import { expect, test } from "vitest";
import type { ElectionListener, Term } from "../src/election/types.ts";
import { keepRoleLabel } from "../src/role-label.ts";
import { until } from "./capture.ts";

function setup(failures = 0) {
  const written: unknown[] = [];
  let left = failures;
  const patch: KubeClient["patch"] = async (_resource, name, body) => {
    if (left-- > 0) throw new KubeError("unreachable", "away");
    written.push([name, body]);
    return body as never;
  };
  let listener: ElectionListener = () => undefined;
  const lead = (isLeading: boolean) => listener({ observed: undefined, term: isLeading ? ({} as Term) : undefined });
  const election = {
    subscribe(added: ElectionListener) {
      listener = added;
      lead(false);
      return () => undefined;
    },
  };
  const identity = { name: "pod-0", namespace: "blue" };
  const keeper = keepRoleLabel({ kube: { patch } as KubeClient, identity, election, word: "master" });
  const labels = () =>
    written.map((entry) => (entry as [string, { metadata: { labels: { role: unknown } } }])[1].metadata.labels.role);
  return { keeper, lead, labels, written };
}

test("clears a stale label, sets it with a term, removes it with its end", async () => {
  const { keeper, lead, labels, written } = setup();
  await until("cleared", () => labels().length === 1);
  lead(true);
  await until("set", () => labels().length === 2);
  lead(true);
  lead(false);
  await until("removed", () => labels().length === 3);
  expect(labels()).toEqual([null, "master", null]);
  expect(written[1]).toEqual(["pod-0", { metadata: { labels: { role: "master" } } }]);
  await keeper.stop();
  expect(labels()).toHaveLength(3);
});

test("tries again, and writes only the latest wish", async () => {
  const { keeper, lead, labels } = setup(2);
  lead(true);
  await until("set", () => labels().includes("master"));
  expect(labels()).toEqual(["master"]);
  await keeper.stop();
  expect(labels()).toEqual(["master", null]);
});
