/**
 * Drills: faults and load against a live system, and a verdict on what it promised. A system plugs in a client, its operations and the sequential
 * object it claims to be (`DrillPlugin`); the faults are Kubernetes' own, so a drill runs on any cluster.
 *
 * ```ts
 * const report = await runDrill({ system: "kvstore", plugin, site, faults: ["kill", "partition"], seed: 1, clients: 16, ...rest });
 * console.log(summaryOf(report));
 * await writeFile("drill.html", pageOf(report));
 * ```
 *
 * A system that is no such object brings whole scenarios instead (`ScenarioPlugin`, `runScenarios`).
 */

export type { Model } from "@coracle/sim";
export { type DrillOptions, runDrill } from "./drill.ts";
export { DrillError, type DrillErrorCode } from "./errors.ts";
export { injectedSpec, injectFault } from "./faults/injected.ts";
export { isRolledOut } from "./faults/objects.ts";
export { amongThemselves, cutOff } from "./faults/partition.ts";
export { type FaultName, faultNames, faults } from "./faults/table.ts";
export { pageOf } from "./page.ts";
export type { Access, DrillClient, DrillPlugin, Leader, Member, Names, OperationKind, Outcome } from "./plugin.ts";
export { type RegisterInput, type RegisterOutput, registers } from "./register.ts";
export type { DowntimeReport, DrillReport, FaultReport, SkippedFault } from "./report.ts";
export { runScenarios, type ScenarioOptions, scenarioSummary } from "./scenarios/run.ts";
export {
  isScenarioPlugin,
  type Scenario,
  type ScenarioPlugin,
  type ScenarioReport,
  type ScenarioResult,
  type ScenarioSite,
  type ScenarioVerdict,
} from "./scenarios/types.ts";
export type { ExecResult, Site } from "./site.ts";
export { summaryOf } from "./summary.ts";
