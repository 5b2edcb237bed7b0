/** ValidatingAdmissionPolicies: rules in CEL that bindings put in force. */
import { loadCel } from "../cel/load.ts";
import { items } from "../defaults/fill.ts";
import { ForeignStatusError } from "../errors.ts";
import { keyOfResource } from "../resources/row.ts";
import { matchesSelector, selectorOf } from "../selectors.ts";
import type { Storage } from "../storage/storage.ts";
import type { ApiObject } from "../types.ts";
import { type Attributes, isMeant } from "./attributes.ts";
import { holdsAll, variablesOf } from "./conditions.ts";

const policies = "validatingadmissionpolicies.admissionregistration.k8s.io";
const bindings = "validatingadmissionpolicybindings.admissionregistration.k8s.io";

/** Finds the objects of a kind, for parameters: `apiVersion` and `kind` to the key of its resource. */
export type FindKind = (apiVersion: string, kind: string) => string | undefined;

interface InForce {
  readonly policy: ApiObject;
  readonly binding: ApiObject;
}

export class Policies {
  readonly #storage: Storage;
  readonly #findKind: FindKind;
  #inForce: readonly InForce[] = [];

  constructor(storage: Storage, findKind: FindKind) {
    this.#storage = storage;
    this.#findKind = findKind;
    const read = () => {
      this.#inForce = storage
        .collection(bindings)
        .list()
        .flatMap((binding: ApiObject) => {
          const policy = storage.latest(policies, "", binding.spec?.policyName ?? "");
          return policy ? [{ policy, binding }] : [];
        });
    };
    storage.listen(policies, read);
    storage.listen(bindings, read);
    read();
  }

  get isEmpty(): boolean {
    return this.#inForce.length === 0;
  }

  concern(about: Attributes): boolean {
    return this.#inForce.some((each) => concerns(each, about));
  }

  /** Rejects with the first refusal of a binding that denies; the others warn. */
  async validate(about: Attributes, warn: (text: string) => void): Promise<void> {
    for (const each of this.#inForce) {
      if (!concerns(each, about)) continue;
      for (const params of this.#paramsOf(each, about)) await judge(each, about, params, warn);
    }
  }

  /** The objects that the binding hands the policy; one `undefined` for a policy that takes none. */
  #paramsOf({ policy, binding }: InForce, { namespace }: Attributes): readonly (ApiObject | undefined)[] {
    const { paramKind } = policy.spec;
    if (!paramKind) return [undefined];
    const { name, namespace: fixed, selector, parameterNotFoundAction } = binding.spec?.paramRef ?? {};
    const key = this.#findKind(paramKind.apiVersion, paramKind.kind);
    const all = key === undefined ? [] : this.#storage.collection(key).list();
    const found = all.filter(
      ({ metadata }) =>
        (metadata.namespace === undefined || metadata.namespace === (fixed ?? namespace)) &&
        (name === undefined ? matchesSelector(selectorOf(selector), metadata.labels) : metadata.name === name),
    );
    if (found.length > 0) return found;
    return parameterNotFoundAction === "Allow" ? [] : [undefined];
  }
}

function concerns({ policy, binding }: InForce, about: Attributes): boolean {
  const { matchConstraints = {} } = policy.spec;
  const { matchResources } = binding.spec ?? {};
  const narrows = matchResources && {
    ...scopeOf(matchResources),
    rules: items(matchResources.resourceRules ?? matchConstraints.resourceRules),
  };
  return isMeant(scopeOf(matchConstraints), about) && (!narrows || isMeant(narrows, about));
}

const scopeOf = ({ resourceRules, excludeResourceRules, namespaceSelector, objectSelector }: ApiObject) => ({
  rules: items(resourceRules),
  excluded: items(excludeResourceRules),
  namespaceSelector,
  objectSelector,
});

async function judge(each: InForce, about: Attributes, params: ApiObject | undefined, warn: (text: string) => void) {
  const { policy, binding } = each;
  const { spec } = policy;
  if (!(await holdsAll({ ...spec, name: policy.metadata?.name }, about, params))) return;
  const { evaluate } = await loadCel();
  const variables: Record<string, unknown> = { ...variablesOf(about, params), variables: {} };
  const actions: readonly string[] = binding.spec?.validationActions ?? ["Deny"];
  const value = (expression: string) => evaluate(expression, variables);
  for (const { name, expression } of items(spec.variables))
    variables.variables = { ...(variables.variables as object), [name]: attempt(() => value(expression)) };
  for (const validation of items(spec.validations)) {
    const problem = problemOf(validation, value, spec.failurePolicy === "Ignore");
    if (problem === undefined) continue;
    const names = `'${policy.metadata?.name}' with binding '${binding.metadata?.name}'`;
    if (actions.includes("Warn")) warn(`Validation failed for ValidatingAdmissionPolicy ${names}: ${problem}`);
    if (actions.includes("Deny"))
      throw denied(about, `ValidatingAdmissionPolicy ${names} denied request: ${problem}`, validation.reason);
  }
}

/** A variable that can't be worked out is missed only by the expression that asks for it. */
function attempt(work: () => unknown): unknown {
  try {
    return work();
  } catch {
    return undefined;
  }
}

function problemOf(rule: ApiObject, value: (expression: string) => unknown, isLenient: boolean): string | undefined {
  const { expression, message, messageExpression } = rule;
  try {
    if (value(expression) === true) return undefined;
  } catch (error) {
    return isLenient
      ? undefined
      : `expression '${expression}' resulted in error: ${(error as Error).message.split("\n")[0]}`;
  }
  const told = messageExpression ? attempt(() => value(messageExpression)) : undefined;
  return (typeof told === "string" && told) || message || `failed expression: ${String(expression).trim()}`;
}

const codes: Readonly<Record<string, number>> = {
  Forbidden: 403,
  Invalid: 422,
  RequestEntityTooLarge: 413,
  Unauthorized: 401,
};

function denied({ row, name }: Attributes, why: string, reason = "Invalid"): ForeignStatusError {
  return new ForeignStatusError({
    code: codes[reason] ?? 422,
    reason,
    message: `${keyOfResource(row)} ${JSON.stringify(name)} is forbidden: ${why}`,
    details: { name, ...(row.group && { group: row.group }), kind: row.plural, causes: [{ message: why }] },
  });
}
