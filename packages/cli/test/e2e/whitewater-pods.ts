/** whitewater's pods as a test sees them: by the API and by their own addresses, which costs no process for each question. */
import { join } from "node:path";
import { createClient, fromKubeconfig, type KubeClient, resources } from "@coracle/kube";
import type { Pod } from "kubernetes-types/core/v1.js";
import { type Installation, until } from "./installation.ts";

export interface ShownMember {
  readonly id: string;
  readonly name: string;
  readonly role: "leader" | "follower" | "learner";
}

const PATIENCE_MS = 120_000;
const namesOf = (ordinals: readonly number[]): string => ordinals.map((n) => `whitewater-${n}`).join();

export class WhitewaterPods {
  readonly #kube: KubeClient;

  private constructor(kube: KubeClient) {
    this.#kube = kube;
  }

  static async of({ home }: Installation): Promise<WhitewaterPods> {
    return new WhitewaterPods(createClient(await fromKubeconfig([join(home, "kubeconfig")])));
  }

  close(): void {
    this.#kube.close();
  }

  async list(): Promise<readonly Pod[]> {
    const { items } = await this.#kube.list(resources.pods, { namespace: "default", labelSelector: "app=whitewater" });
    return items.toSorted((a, b) => ((a.metadata?.name ?? "") < (b.metadata?.name ?? "") ? -1 : 1));
  }

  async addresses(): Promise<readonly string[]> {
    return (await this.list()).flatMap(({ status }) => status?.podIP ?? []);
  }

  /** Exactly these are there, ready, and none of them ends. */
  ready(...ordinals: readonly number[]): Promise<unknown> {
    const isReady = ({ metadata, status }: Pod): boolean =>
      metadata?.deletionTimestamp === undefined &&
      (status?.conditions ?? []).some(({ type, status: is }) => type === "Ready" && is === "True");
    const ask = async () =>
      (await this.list()).map((pod) => `${pod.metadata?.name}${isReady(pod) ? "" : " (not ready)"}`);
    return until(ask, (shown) => shown.join() === namesOf(ordinals), PATIENCE_MS);
  }

  /** What the first pod knows; empty while it does not answer. */
  async members(): Promise<readonly ShownMember[]> {
    const response = await this.#ask("/v1/members").catch(() => undefined);
    return response?.ok ? ((await response.json()) as { members: ShownMember[] }).members : [];
  }

  /** Exactly these are members, and all of them vote. */
  voting(...ordinals: readonly number[]): Promise<readonly ShownMember[]> {
    const isSo = (members: readonly ShownMember[]): boolean =>
      members.every(({ role }) => role !== "learner") &&
      members
        .map(({ name }) => name)
        .sort()
        .join() === namesOf(ordinals);
    return until(() => this.members(), isSo, PATIENCE_MS);
  }

  async put(key: string, value: string, ordinal = 0): Promise<void> {
    const response = await this.#ask(`/v1/kv/${key}`, ordinal, { method: "PUT", body: value });
    if (!response.ok) throw new TypeError(`PUT ${key}: ${response.status} ${await response.text()}`);
  }

  async get(key: string, ordinal = 0): Promise<string> {
    const response = await this.#ask(`/v1/kv/${key}`, ordinal);
    if (!response.ok) throw new TypeError(`GET ${key}: ${response.status} ${await response.text()}`);
    return ((await response.json()) as { value: string }).value;
  }

  async #ask(path: string, ordinal = 0, init: RequestInit = {}): Promise<Response> {
    const pod = (await this.list()).find(({ metadata }) => metadata?.name === `whitewater-${ordinal}`);
    return fetch(`http://${pod?.status?.podIP}:8090${path}`, { ...init, signal: AbortSignal.timeout(15_000) });
  }
}
