/**
 * Drills of systems that are no linearizable store, such as a chain, where no leader exists and what is confirmed becomes certain only with
 * time. Such a system brings whole scenarios: what is done to it, and what must hold afterwards. Its module exports them as `drill`.
 */
import type { Pod } from "kubernetes-types/core/v1.js";
import type { Site } from "../site.ts";

export interface ScenarioSite extends Pick<Site, "kube" | "namespace" | "exec"> {
  /** How long a fault that has no end of its own stays in force. */
  readonly holdMs: number;
  /** From 0 to below 1, decided by the drill's seed. */
  random(): number;
  /** All pods of the system, those that end not included. */
  pods(): Promise<readonly Pod[]>;
  /** Waits until `isSo`, asked again and again, holds; rejects with `not-settled` and the reason when it takes too long. */
  waitFor(what: string, isSo: () => boolean | Promise<boolean>): Promise<void>;
  pause(forMs: number): Promise<void>;
  say(line: string): void;
}

export interface ScenarioVerdict {
  /** What was done and measured, for people. */
  readonly facts: Readonly<Record<string, string | number>>;
  /** The promises that did not hold; empty when all is well. */
  readonly broken: readonly string[];
  /** Why it was not run: this cluster can't do it. */
  readonly skipped?: string;
}

export interface Scenario {
  readonly summary: string;
  /** Leaves nothing of its faults behind, also when it fails. Rejects with `impossible`, before it changes anything, where it can't be run. */
  run(site: ScenarioSite): Promise<ScenarioVerdict>;
}

export interface ScenarioPlugin {
  readonly scenarios: Readonly<Record<string, Scenario>>;
  /** Run where the user names none. */
  readonly usual: readonly string[];
}

export interface ScenarioResult extends ScenarioVerdict {
  readonly scenario: string;
  readonly durationMs: number;
}

export interface ScenarioReport {
  readonly system: string;
  readonly cluster: string;
  readonly startedAt: string;
  readonly seed: number;
  readonly results: readonly ScenarioResult[];
  /** Of all scenarios, each with its name before it. */
  readonly broken: readonly string[];
}

export const isScenarioPlugin = (plugin: object): plugin is ScenarioPlugin => "scenarios" in plugin;
