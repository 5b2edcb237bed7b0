/** The PodSecurity plug-in: a namespace's labels say what its pods may be, and what their authors are warned about. */
import type { WriteContext } from "../resources/row.ts";
import type { ApiObject } from "../types.ts";
import { type FieldError, invalid } from "../validation/field-error.ts";
import { forbiddenObject } from "../write/refusals.ts";
import { type Level, type Violation, violationsOf } from "./pod-security-checks.ts";

const prefix = "pod-security.kubernetes.io/";
const levels: readonly string[] = ["privileged", "baseline", "restricted"];
const maxPodsNamed = 3000;

interface Policy {
  readonly level: Level;
  /** As messages name it: `restricted:latest`. */
  readonly name: string;
}

const isLevel = (text: string | undefined): text is Level => text !== undefined && levels.includes(text);

function policyOf(mode: "enforce" | "warn", namespace: ApiObject | undefined): Policy {
  const labels = namespace?.metadata?.labels ?? {};
  const level = labels[`${prefix}${mode}`];
  if (isLevel(level)) return { level, name: `${level}:${labels[`${prefix}${mode}-version`] ?? "latest"}` };
  // Who enforces something wants to hear of it where nothing is enforced yet: at the templates of pods.
  return mode === "warn" ? policyOf("enforce", namespace) : { level: "privileged", name: "privileged:latest" };
}

const describe = (violations: readonly Violation[]): string =>
  violations.map(({ reason, detail }) => `${reason} (${detail})`).join(", ");

const namespaceOf = ({ metadata }: ApiObject, context: WriteContext) =>
  context.latest("namespaces", "", metadata?.namespace ?? "");

/** Throws Forbidden for a new pod that its namespace does not allow, and warns of one that it frowns on. */
export function admitPodSecurity(pod: ApiObject, context: WriteContext): void {
  const namespace = namespaceOf(pod, context);
  const enforced = policyOf("enforce", namespace);
  const violations = violationsOf(pod.spec ?? {}, enforced.level);
  if (violations.length > 0) {
    const why = `violates PodSecurity ${JSON.stringify(enforced.name)}: ${describe(violations)}`;
    throw forbiddenObject({ group: "", plural: "pods" }, pod.metadata?.name ?? "", why);
  }
  warnOf(pod.spec, namespace, context);
}

function warnOf(spec: ApiObject | undefined, namespace: ApiObject | undefined, context: WriteContext): void {
  const { level, name } = policyOf("warn", namespace);
  const violations = violationsOf(spec ?? {}, level);
  if (violations.length > 0) context.warn(`would violate PodSecurity ${JSON.stringify(name)}: ${describe(violations)}`);
}

/** Warns of the pods that a workload would make. */
export const warnOfTemplate =
  (templateOf: (object: ApiObject) => ApiObject | undefined) =>
  (object: ApiObject, context: WriteContext): void => {
    if (!context.isInternal) warnOf(templateOf(object)?.spec, namespaceOf(object, context), context);
  };

/** Tells which of a namespace's pods could not be made under what is enforced from now on. */
export function admitNamespace(namespace: ApiObject, context: WriteContext, old?: ApiObject): void {
  const { level, name } = policyOf("enforce", namespace);
  if (!old || policyOf("enforce", old).name === name) return;
  const called = namespace.metadata?.name ?? "";
  const groups = new Map<string, string[]>();
  for (const { metadata, spec } of context.present("pods", called).slice(0, maxPodsNamed)) {
    const reasons = violationsOf(spec, level).map(({ reason }) => reason);
    if (reasons.length === 0) continue;
    const key = reasons.join(", ");
    groups.set(key, [...(groups.get(key) ?? []), metadata.name]);
  }
  if (groups.size === 0) return;
  context.warn(
    `existing pods in namespace ${JSON.stringify(called)} violate the new PodSecurity enforce level ${JSON.stringify(name)}`,
  );
  for (const [reasons, pods] of groups) context.warn(`${podsNamed(pods.sort())}: ${reasons}`);
}

function podsNamed([first, ...others]: readonly string[]): string {
  if (others.length === 0) return first ?? "";
  return `${first} (and ${others.length} other ${others.length === 1 ? "pod" : "pods"})`;
}

export const validatePodSecurityLabels = ({ metadata }: ApiObject): FieldError[] =>
  ["enforce", "audit", "warn"].flatMap((mode) => {
    const value = metadata?.labels?.[`${prefix}${mode}`];
    return value === undefined || isLevel(value)
      ? []
      : [invalid(`metadata.labels[${prefix}${mode}]`, value, `must be one of ${levels.join(", ")}`)];
  });
