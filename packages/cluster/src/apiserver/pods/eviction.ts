/** Eviction: a deletion that asks the pod's disruption budget first (https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/). */
import type { Pod } from "kubernetes-types/core/v1.js";
import type { Eviction, PodDisruptionBudget } from "kubernetes-types/policy/v1.js";
import { StatusError } from "../../machinery/errors.ts";
import { matchesSelector, selectorOf } from "../../machinery/selectors.ts";
import type { Clock, Registry, Stored } from "../../machinery/types.ts";
import { parseBody, readBody } from "../http/body.ts";
import { deleteOptions } from "../http/options.ts";
import { sendJson } from "../http/respond.ts";
import { existing, type ResourceHandler } from "../resources/verbs.ts";
import { hasCondition } from "../table/pod-status.ts";

const budgets = "poddisruptionbudgets.policy";
const maxTracked = 2000;

export const serveEviction: ResourceHandler = async (context, call, resource) => {
  const { request, response, info } = call;
  const body = (await parseBody(
    await readBody(request),
    request.headers["content-type"],
    "Eviction",
  )) as Eviction | null;
  if (body?.metadata?.name && body.metadata.name !== info.name) throw nameDiffers();
  const pod = existing(context, call, resource) as Stored<Pod>;
  const options = deleteOptions(info.query, body?.deleteOptions);
  if (!isFree(pod)) await spendBudget(context, pod, options.dryRun === true);
  await context.store.remove(resource, info.namespace, info.name, options);
  sendJson(response, 201, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 });
};

/** Pods that do no work are not protected. */
const isFree = ({ metadata, status }: Pod): boolean =>
  metadata?.deletionTimestamp !== undefined || ["Succeeded", "Failed", "Pending"].includes(status?.phase ?? "");

interface Deps {
  readonly store: Registry;
  readonly clock: Clock;
}

async function spendBudget({ store, clock }: Deps, pod: Stored<Pod>, isDryRun: boolean): Promise<void> {
  const namespace = pod.metadata.namespace ?? "";
  const matching = store
    .list(budgets, { namespace })
    .filter(({ spec }) => matchesSelector(selectorOf(spec?.selector), pod.metadata.labels));
  const [budget, ...others] = matching;
  if (budget === undefined) return;
  if (others.length > 0) throw severalBudgets();
  if (mayIgnore(budget, pod)) return;
  const spend = (draft: PodDisruptionBudget) => takeOne(draft, pod.metadata.name, clock.now());
  await store.modify(budgets, namespace, budget.metadata.name, spend, { subresource: "status", dryRun: isDryRun });
}

/** A pod that runs but is not ready takes nothing away from a healthy application. */
function mayIgnore({ spec, status }: PodDisruptionBudget, pod: Pod): boolean {
  if (hasCondition(pod, "Ready")) return false;
  if (spec?.unhealthyPodEvictionPolicy === "AlwaysAllow") return true;
  return (status?.desiredHealthy ?? 0) > 0 && (status?.currentHealthy ?? 0) >= (status?.desiredHealthy ?? 0);
}

/** Takes one disruption from the budget. Throws TooManyRequests when none is left. */
export function takeOne(budget: PodDisruptionBudget, podName: string, now: number): void {
  const { metadata, status } = budget;
  const name = metadata?.name ?? "";
  if ((status?.observedGeneration ?? 0) < (metadata?.generation ?? 0)) {
    throw tooMany(`The disruption budget ${name} is still being processed by the server.`, 10);
  }
  if (status === undefined || status.disruptionsAllowed <= 0) {
    const { desiredHealthy = 0, currentHealthy = 0 } = status ?? {};
    throw tooMany(
      `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
    );
  }
  if (Object.keys(status.disruptedPods ?? {}).length > maxTracked)
    throw tooMany("DisruptedPods map too big - too many evictions not confirmed by PDB controller");
  status.disruptionsAllowed -= 1;
  status.disruptedPods = { ...status.disruptedPods, [podName]: `${new Date(now).toISOString().slice(0, 19)}Z` };
}

const tooMany = (message: string, retryAfterSeconds?: number) =>
  new StatusError("TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes: [{ reason: "DisruptionBudget", message }],
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });

const severalBudgets = () =>
  new StatusError(
    "InternalError",
    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
  );

const nameDiffers = () => new StatusError("BadRequest", "name in URL does not match name in Eviction object");
