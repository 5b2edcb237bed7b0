/**
 * Admission by others: webhooks and policies have their say before the writer stores. While nobody is registered, and for writes that nobody
 * means, this is the writer and nothing else.
 *
 * Asking takes time, and the writer's promise is that nothing comes between reading and storing. So a write that concerns somebody is made
 * twice: as a dry run, whose outcome is shown to them, and, once all have agreed, in earnest. If the object changed meanwhile, everything
 * begins anew, because what they agreed to is no longer what would be stored. As in Kubernetes, an object of this group itself is nobody's
 * business, or a bad webhook could not be removed.
 */
import { celAtHand, hasRules, loadCel } from "../cel/load.ts";
import { jsonClone, jsonEqual } from "../json.ts";
import type { ResourceRow } from "../resources/row.ts";
import type { Storage } from "../storage/storage.ts";
import type { Author, WriteResult } from "../store.ts";
import type { ApiObject, DeleteOptions, Stored } from "../types.ts";
import { conflict } from "../write/refusals.ts";
import type { Intent, Writer } from "../write/writer.ts";
import type { Attributes, Operation } from "./attributes.ts";
import { Webhooks } from "./hooks.ts";
import { type FindKind, Policies } from "./policies.ts";

type Item = Stored<ApiObject>;

const ownGroup = "admissionregistration.k8s.io";
/** How often a write begins anew because the object changed while others were asked. */
const maxTries = 5;

export class Gate {
  readonly #writer: Writer;
  readonly #storage: Storage;
  readonly #webhooks: Webhooks;
  readonly #policies: Policies;

  constructor(writer: Writer, storage: Storage, findKind: FindKind) {
    this.#writer = writer;
    this.#storage = storage;
    this.#webhooks = new Webhooks(storage);
    this.#policies = new Policies(storage, findKind);
  }

  async create(row: ResourceRow, namespace: string, body: ApiObject, intent: Intent): Promise<WriteResult> {
    if (row.hasExpressions && bringsRules(row, body)) await loadCel();
    if (this.#isOpen(row)) return this.#writer.create(row, namespace, body, intent);
    const { draft, warnings } = this.#writer.draft(row, namespace, jsonClone(body), intent);
    const about = this.#about(row, "CREATE", namespace, draft.metadata.name ?? "", intent, draft);
    if (!this.#concerns(about)) return this.#writer.create(row, namespace, body, intent);
    const warn = (text: string) => void warnings.push(text);
    const wanted = (await this.#webhooks.mutate(about, warn)) ?? draft;
    const trial = await this.#writer.create(row, namespace, jsonClone(wanted), { ...intent, dryRun: true });
    await this.#judge({ ...about, object: trial.object }, warn);
    const result = intent.dryRun ? trial : await this.#writer.create(row, namespace, wanted, intent);
    return { ...result, warnings: [...warnings, ...result.warnings] };
  }

  async createOrReplace(row: ResourceRow, namespace: string, name: string, body: ApiObject, intent: Intent) {
    if (!this.#writer.createsBy(row, namespace, name)) return this.replace(row, namespace, name, () => body, intent);
    return this.create(row, namespace, this.#writer.named(row, namespace, name, body), intent);
  }

  async replace(
    row: ResourceRow,
    namespace: string,
    name: string,
    change: (old: Item) => ApiObject,
    intent: Intent,
  ): Promise<WriteResult> {
    // The cluster's own parts write definitions without new rules, but objects that are judged by old ones.
    if (row.hasExpressions && !celAtHand() && (row.isCustom || !intent.isInternal)) await loadCel();
    // A Scale is no object of the kind, and where a pod is placed is not for others to say.
    const isOwn = intent.subresource === "scale" || intent.subresource === "binding";
    if (isOwn || this.#isOpen(row)) return this.#writer.replace(row, namespace, name, change, intent);
    for (let tries = 0; tries < maxTries; tries++) {
      const result = await this.#replaceOnce(row, namespace, name, change, intent);
      if (result) return result;
    }
    throw conflict(row, name);
  }

  /** Undefined when the object changed while others were asked. */
  async #replaceOnce(
    row: ResourceRow,
    namespace: string,
    name: string,
    change: (old: Item) => ApiObject,
    intent: Intent,
  ): Promise<WriteResult | undefined> {
    const old = this.#storage.latest(row.key, namespace, name);
    const about = this.#about(row, "UPDATE", namespace, name, intent, old, old);
    if (!old || !this.#concerns(about)) return this.#writer.replace(row, namespace, name, change, intent);
    const warnings: string[] = [];
    const warn = (text: string) => void warnings.push(text);
    const rehearse = (make: (old: Item) => ApiObject) =>
      this.#writer.replace(row, namespace, name, (each) => jsonClone(make(each)), { ...intent, dryRun: true });
    let trial = await rehearse(change);
    const wanted = (await this.#webhooks.mutate({ ...about, object: trial.object }, warn)) ?? trial.object;
    const isChanged = !jsonEqual(wanted, trial.object);
    const make = isChanged ? () => jsonClone(wanted) : change;
    if (isChanged) trial = await rehearse(make);
    await this.#judge({ ...about, object: trial.object }, warn);
    const current = this.#storage.latest(row.key, namespace, name);
    if (current && current.metadata.resourceVersion !== old.metadata.resourceVersion) return undefined;
    const result = intent.dryRun ? trial : await this.#writer.replace(row, namespace, name, make, intent);
    return { ...result, warnings: [...warnings, ...result.warnings] };
  }

  async remove(row: ResourceRow, namespace: string, name: string, options: DeleteOptions & { readonly user?: Author }) {
    const old = this.#isOpen(row) ? undefined : this.#storage.latest(row.key, namespace, name);
    if (old) {
      const about = this.#about(row, "DELETE", namespace, name, options, undefined, old);
      if (this.#concerns(about)) {
        await this.#webhooks.mutate(about, ignore);
        await this.#judge(about, ignore);
      }
    }
    return this.#writer.remove(row, namespace, name, options);
  }

  #isOpen({ group }: ResourceRow): boolean {
    return group === ownGroup || (this.#webhooks.isEmpty && this.#policies.isEmpty);
  }

  #concerns(about: Attributes): boolean {
    return this.#webhooks.concern(about) || this.#policies.concern(about);
  }

  async #judge(about: Attributes, warn: (text: string) => void): Promise<void> {
    await this.#policies.validate(about, warn);
    await this.#webhooks.validate(about, warn);
  }

  #about(
    row: ResourceRow,
    operation: Operation,
    namespace: string,
    name: string,
    intent: Pick<Intent, "user" | "fieldManager" | "dryRun" | "subresource">,
    object: ApiObject | undefined,
    old?: ApiObject,
  ): Attributes {
    const holder = row.namespaced ? this.#storage.latest("namespaces", "", namespace) : undefined;
    const { subresource = "", dryRun: isDryRun = false } = intent;
    const user = intent.user ?? ownUser(intent.fieldManager);
    return { row, operation, namespace, name, subresource, object, old, user, isDryRun, holder };
  }
}

/** Most definitions have no rules, and need not wait for the language. */
const bringsRules = (row: ResourceRow, body: ApiObject): boolean =>
  row.isCustom === true || row.group === ownGroup || hasRules(body.spec);

const ignore = (): undefined => undefined;

/** The parts of the cluster write as the controllers of Kubernetes do, under their service accounts. */
const ownUser = (manager = "kube-controller-manager"): Author => ({
  username: `system:serviceaccount:kube-system:${manager}`,
  groups: ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"],
});
