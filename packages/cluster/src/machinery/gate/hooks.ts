/** The webhooks that configurations register: which of them a write concerns, and the round through them. */
import { randomUUID } from "node:crypto";
import { items } from "../defaults/fill.ts";
import { StatusError } from "../errors.ts";
import { jsonEqual } from "../json.ts";
import type { Storage } from "../storage/storage.ts";
import type { ApiObject } from "../types.ts";
import { type Attributes, isMeant, requestOf } from "./attributes.ts";
import { askWebhook, type Destination } from "./call.ts";
import { holdsAll } from "./conditions.ts";
import { readVerdict, reviewOf, type Verdict } from "./review.ts";

const mutating = "mutatingwebhookconfigurations.admissionregistration.k8s.io";
const validating = "validatingwebhookconfigurations.admissionregistration.k8s.io";

const msPerSecond = 1000;

export class Webhooks {
  readonly #storage: Storage;
  #mutating: readonly ApiObject[] = [];
  #validating: readonly ApiObject[] = [];

  constructor(storage: Storage) {
    this.#storage = storage;
    const read = () => {
      this.#mutating = this.#registered(mutating);
      this.#validating = this.#registered(validating);
    };
    storage.listen(mutating, read);
    storage.listen(validating, read);
    read();
  }

  /** By the names of the configurations, then in their own order. */
  #registered(kind: string): ApiObject[] {
    const configurations = [...this.#storage.collection(kind).list()];
    configurations.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    return configurations.flatMap(({ webhooks }: ApiObject) => items(webhooks));
  }

  get isEmpty(): boolean {
    return this.#mutating.length + this.#validating.length === 0;
  }

  /** Whether any webhook could have a say. Conditions are not asked yet. */
  concern(about: Attributes): boolean {
    return [...this.#mutating, ...this.#validating].some((hook) => isMeant(scopeOf(hook), about));
  }

  /** One after the other, each sees what those before it made of the object. Returns the last state; rejects with the first refusal. */
  async mutate(about: Attributes, warn: (text: string) => void): Promise<ApiObject | undefined> {
    let object = about.object;
    const round = async (hooks: readonly ApiObject[]): Promise<void> => {
      for (const hook of hooks) {
        const verdict = await this.#consult(hook, { ...about, object });
        verdict?.warnings.forEach(warn);
        object = verdict?.object ?? object;
      }
    };
    await round(this.#mutating);
    const again = this.#mutating.filter(({ reinvocationPolicy }) => reinvocationPolicy === "IfNeeded");
    if (!jsonEqual(object, about.object)) await round(again);
    return object;
  }

  /** All at once. Rejects with the first refusal, by the order of the webhooks. */
  async validate(about: Attributes, warn: (text: string) => void): Promise<void> {
    const verdicts = await Promise.allSettled(this.#validating.map((hook) => this.#consult(hook, about)));
    for (const verdict of verdicts) {
      if (verdict.status === "rejected") throw verdict.reason;
      verdict.value?.warnings.forEach(warn);
    }
  }

  /** Undefined when the webhook does not mean this write, or could not be asked and may be passed over. */
  async #consult(hook: ApiObject, about: Attributes): Promise<Verdict | undefined> {
    if (!isMeant(scopeOf(hook), about)) return undefined;
    if (!(await holdsAll(hook, about))) return undefined;
    const review = reviewOf(requestOf(about, randomUUID()), hook.admissionReviewVersions ?? []);
    let answer: ApiObject;
    try {
      answer = await askWebhook(this.#destination(hook), review);
    } catch (error) {
      return passOver(hook, error as Error);
    }
    return readVerdict(hook.name, review, answer, about.object);
  }

  #destination({ clientConfig, timeoutSeconds = 10 }: ApiObject): Destination {
    const timeoutMs = timeoutSeconds * msPerSecond;
    const ca = clientConfig.caBundle ? Buffer.from(clientConfig.caBundle, "base64").toString("utf8") : undefined;
    if (clientConfig.url !== undefined) return { url: withTimeout(clientConfig.url, timeoutSeconds), ca, timeoutMs };
    const { name, namespace, path = "/", port = 443 } = clientConfig.service;
    const service = this.#storage.latest("services", namespace, name);
    if (!service)
      throw new StatusError("InternalError", `failed to call webhook: service ${JSON.stringify(name)} not found`);
    const url = withTimeout(`https://${name}.${namespace}.svc:${port}${path}`, timeoutSeconds);
    return { url, address: service.spec?.clusterIP, ca, timeoutMs };
  }
}

function withTimeout(address: string, seconds: number): URL {
  const url = new URL(address);
  url.searchParams.set("timeout", `${seconds}s`);
  return url;
}

const scopeOf = ({ rules, namespaceSelector, objectSelector }: ApiObject) => ({
  rules: items(rules),
  namespaceSelector,
  objectSelector,
});

function passOver({ name, failurePolicy }: ApiObject, error: Error): undefined {
  if (failurePolicy === "Ignore") return undefined;
  throw new StatusError(
    "InternalError",
    `Internal error occurred: failed calling webhook ${JSON.stringify(name)}: ${error.message}`,
    undefined,
    { cause: error },
  );
}
