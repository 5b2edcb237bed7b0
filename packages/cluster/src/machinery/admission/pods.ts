/** Admission of pods, in the order of kube-apiserver's default plug-ins. */
import { items } from "../defaults/fill.ts";
import { applyLimitDefaults } from "../quota/limit-range.ts";
import type { WriteContext } from "../resources/row.ts";
import type { ApiObject } from "../types.ts";
import { forbiddenObject } from "../write/refusals.ts";
import { admitPodSecurity } from "./pod-security.ts";
import { resolvePriority } from "./priority.ts";
import { admitServiceAccount } from "./service-account.ts";

export function admitPod(pod: ApiObject, context: WriteContext, old?: ApiObject): void {
  if (old) return;
  admitServiceAccount(pod, context);
  tolerateLostNodes(pod.spec);
  for (const range of context.present("limitranges", pod.metadata?.namespace ?? "")) applyLimitDefaults(pod, range);
  resolvePriority(pod, context);
  requireRuntimeClass(pod, context);
  admitPodSecurity(pod, context);
}

/** The RuntimeClass plug-in. */
function requireRuntimeClass({ metadata, spec }: ApiObject, context: WriteContext): void {
  const name: string | undefined = spec.runtimeClassName;
  if (!name || context.latest("runtimeclasses.node.k8s.io", "", name)) return;
  const why = `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`;
  throw forbiddenObject({ group: "", plural: "pods" }, metadata?.name ?? "", why);
}

const lostNodeTaints = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
const tolerationSeconds = 300;

/** A pod stays on a lost node for five minutes unless it says otherwise. */
function tolerateLostNodes(spec: ApiObject): void {
  const present = items(spec.tolerations);
  const tolerates = (key: string) =>
    present.some(
      (toleration) =>
        (!toleration.key || toleration.key === key) && (!toleration.effect || toleration.effect === "NoExecute"),
    );
  const added = lostNodeTaints
    .filter((key) => !tolerates(key))
    .map((key) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds }));
  if (added.length > 0) spec.tolerations = [...present, ...added];
}
