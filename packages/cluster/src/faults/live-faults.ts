/** Delivers faults to running pods: one small file for each pod, which its preload follows. */
import { join } from "node:path";
import type { Pod } from "kubernetes-types/core/v1.js";
import type { Registry, Stored } from "../machinery/types.ts";
import { LiveFiles } from "../network/live-files.ts";
import { joined, type PodFaults } from "./pod-faults.ts";

/** What one fault does to a pod; undefined for a pod that it does not hit. Asked again whenever a pod changes. */
export type LiveRule = (pod: Stored<Pod>) => PodFaults | undefined;

export class LiveFaults {
  readonly #store: Pick<Registry, "list" | "subscribe">;
  readonly #dir: string;
  readonly #files: LiveFiles;
  readonly #rules = new Set<LiveRule>();
  readonly #unsubscribe: () => void;
  #scheduled: NodeJS.Immediate | undefined;

  constructor(store: Pick<Registry, "list" | "subscribe">, dir: string) {
    this.#store = store;
    this.#dir = dir;
    this.#files = new LiveFiles(dir);
    this.#unsubscribe = store.subscribe("pods", () => {
      if (this.#rules.size > 0) this.#scheduled ??= setImmediate(() => this.#refresh());
    });
  }

  /** The file of a pod. It need not exist: no file, no fault. */
  fileFor({ metadata }: Pod): string {
    return join(this.#dir, `${metadata?.namespace}_${metadata?.name}.json`);
  }

  /** Puts the rule in force before it returns; the result ends it. */
  add(rule: LiveRule): () => void {
    this.#rules.add(rule);
    this.#refresh();
    return () => {
      if (this.#rules.delete(rule)) this.#refresh();
    };
  }

  #refresh(): void {
    this.#scheduled = undefined;
    const texts = new Map<string, string>();
    for (const pod of this.#rules.size > 0 ? this.#store.list("pods") : []) {
      const parts = [...this.#rules].map((rule) => rule(pod)).filter((part) => part !== undefined);
      if (parts.length > 0) texts.set(this.fileFor(pod), JSON.stringify(joined(parts)));
    }
    this.#files.replaceAll(texts);
  }

  stop(): void {
    this.#unsubscribe();
    clearImmediate(this.#scheduled);
    this.#files.replaceAll(new Map());
  }
}
