/** Defaults of the kinds that extend the API server, and of those that describe drivers and runtimes. */
import type { ApiObject } from "../types.ts";
import { fill, items } from "./fill.ts";

/** How both kinds of webhooks, and policies, say what they are about. */
const matching = () => ({ matchPolicy: "Equivalent", namespaceSelector: {}, objectSelector: {} });

const defaultRules = (rules: unknown): void => {
  for (const rule of items(rules)) fill(rule, { scope: "*" });
};

function defaultWebhook(hook: ApiObject): void {
  fill(hook, { failurePolicy: "Fail", timeoutSeconds: 10, ...matching() });
  if (hook.clientConfig?.service) fill(hook.clientConfig.service, { port: 443 });
  defaultRules(hook.rules);
}

export function defaultValidatingWebhooks({ webhooks }: ApiObject): void {
  for (const hook of items(webhooks)) defaultWebhook(hook);
}

export function defaultMutatingWebhooks({ webhooks }: ApiObject): void {
  for (const hook of items(webhooks)) {
    defaultWebhook(hook);
    fill(hook, { reinvocationPolicy: "Never" });
  }
}

function defaultMatchResources(match: ApiObject | undefined): void {
  if (!match) return;
  fill(match, matching());
  defaultRules(match.resourceRules);
  defaultRules(match.excludeResourceRules);
}

export function defaultAdmissionPolicy(policy: ApiObject): void {
  policy.spec ??= {};
  fill(policy.spec, { failurePolicy: "Fail" });
  defaultMatchResources(policy.spec.matchConstraints);
}

export const defaultAdmissionPolicyBinding = ({ spec }: ApiObject): void => defaultMatchResources(spec?.matchResources);

export function defaultCsiDriver(driver: ApiObject): void {
  driver.spec ??= {};
  fill(driver.spec, {
    attachRequired: true,
    podInfoOnMount: false,
    storageCapacity: false,
    fsGroupPolicy: "ReadWriteOnceWithFSType",
    volumeLifecycleModes: ["Persistent"],
    requiresRepublish: false,
    seLinuxMount: false,
  });
}

export const defaultFlowSchema = ({ spec }: ApiObject): void => {
  if (spec) fill(spec, { matchingPrecedence: 1000 });
};

export function defaultPriorityLevel({ spec }: ApiObject): void {
  if (spec?.type === "Limited") {
    spec.limited = fill(spec.limited ?? {}, { nominalConcurrencyShares: 30, lendablePercent: 0 });
    const queuing = spec.limited.limitResponse?.queuing;
    if (queuing) fill(queuing, { queues: 64, handSize: 8, queueLengthLimit: 50 });
  } else if (spec?.type === "Exempt")
    spec.exempt = fill(spec.exempt ?? {}, { nominalConcurrencyShares: 0, lendablePercent: 0 });
}
