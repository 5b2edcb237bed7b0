/**
 * Faults for those who ask for them from outside: their kinds with what each takes, and their objects. Light to load, for the command
 * line; the cluster itself is the package's front page.
 */
export { nodeFaultName } from "./nodes.ts";
export type { Parameter, Parameters } from "./parameter.ts";
export { commonParameters, type FaultKind, type FaultSpec, faultKinds, faultTable, findFaultRow } from "./table.ts";
export { type Fault, type FaultStatus, faultApiVersion } from "./types.ts";
