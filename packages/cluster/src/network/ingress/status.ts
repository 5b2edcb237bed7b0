/** Writes where an Ingress is served into its status, and says so in an event. */
import type { Ingress } from "kubernetes-types/networking/v1.js";
import type { EventRecorder } from "../../machinery/events.ts";
import type { Registry, Stored } from "../../machinery/types.ts";

const component = "ingress-controller";

export class IngressStatuses {
  readonly #store: Pick<Registry, "modify">;
  readonly #recordEvent: EventRecorder | undefined;
  /** What was last said of each Ingress, by uid and reason. */
  readonly #said = new Map<string, string>();
  #writing: Promise<void> = Promise.resolve();

  constructor(store: Pick<Registry, "modify">, recordEvent: EventRecorder | undefined) {
    this.#store = store;
    this.#recordEvent = recordEvent;
  }

  /** Resolves when all that was asked for is written. */
  idle(): Promise<void> {
    return this.#writing;
  }

  /** `urls`: where it is served; none when it could not be. */
  serving(ingress: Stored<Ingress>, address: string, urls: readonly string[]): void {
    this.#write(ingress, urls.length > 0 ? address : undefined);
    const text = urls.length > 0 ? `Serving at ${urls.join(", ")}` : `cannot listen on ${address}: its ports are taken`;
    this.#say(ingress, urls.length > 0 ? "Normal" : "Warning", urls.length > 0 ? "Sync" : "CannotListen", text);
  }

  /** Another controller's by now, or without an address. */
  notServing(ingress: Stored<Ingress>): void {
    this.forget(ingress);
    this.#write(ingress, undefined);
  }

  badCertificate(ingress: Stored<Ingress>, secret: string): void {
    const text = `Secret ${secret} holds no certificate with its key (tls.crt, tls.key); its hosts are served with the cluster's own certificate`;
    this.#say(ingress, "Warning", "BadCertificate", text);
  }

  forget({ metadata }: Stored<Ingress>): void {
    for (const key of this.#said.keys()) if (key.startsWith(`${metadata.uid} `)) this.#said.delete(key);
  }

  #say(ingress: Stored<Ingress>, type: "Normal" | "Warning", reason: string, text: string): void {
    const { uid } = ingress.metadata;
    const key = `${uid} ${reason}`;
    if (this.#said.get(key) === text) return;
    this.#said.set(key, text);
    this.#recordEvent?.(ingress, type, reason, text, component);
  }

  #write({ metadata, status }: Stored<Ingress>, ip: string | undefined): void {
    if (status?.loadBalancer?.ingress?.[0]?.ip === ip) return;
    const { namespace = "", name } = metadata;
    const loadBalancer = ip ? { ingress: [{ ip }] } : {};
    const change = (draft: Ingress): void => {
      Object.assign(draft, { status: { ...draft.status, loadBalancer } });
    };
    const options = { subresource: "status", fieldManager: component } as const;
    this.#writing = this.#writing.then(async () => {
      try {
        await this.#store.modify("ingresses.networking.k8s.io", namespace, name, change, options);
      } catch (error) {
        this.#recordEvent?.({ kind: "Ingress", namespace, name }, "Warning", "SyncFailed", String(error), component);
      }
    });
  }
}
