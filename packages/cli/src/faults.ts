/** Faults as the command line sees them: objects of the embedded cluster. */
import { type Fault, type FaultSpec, type FaultStatus, faultApiVersion } from "@coracle/cluster/faults";
import { isKubeError, type KubeClient, resource } from "@coracle/kube";
import { CliError } from "./errors.ts";

type FaultObject = Readonly<Fault>;

export const faults = resource<FaultObject>(faultApiVersion, "faults", { namespaced: false });

export interface FaultReport {
  readonly id: string;
  readonly spec: FaultSpec;
  readonly status: FaultStatus | undefined;
}

export const reportOf = ({ metadata, spec, status }: FaultObject): FaultReport => ({
  id: metadata?.name ?? "",
  spec: spec as FaultSpec,
  status,
});

const settleMs = 30_000;

/** Creates the fault and resolves when it is in force. Rejects with CliError when it could not be injected; it is then gone. */
export async function inject(kube: KubeClient, id: string, spec: object): Promise<FaultReport> {
  await kube.create(faults, {
    apiVersion: faultApiVersion,
    kind: "Fault",
    metadata: { name: id },
    spec: spec as FaultSpec,
  });
  const report = await settled(kube, id);
  if (report.status?.phase !== "Failed") return report;
  await removeFault(kube, id);
  throw new CliError(`The fault was not injected: ${report.status.message}`);
}

async function settled(kube: KubeClient, id: string): Promise<FaultReport> {
  const signal = AbortSignal.timeout(settleMs);
  const watch = kube.watch(faults, { fieldSelector: `metadata.name=${id}`, signal });
  for await (const event of watch) {
    const [fault] = event.type === "replaced" ? event.objects : [event.object];
    if (fault?.status?.phase !== undefined) return reportOf(fault);
  }
  throw new CliError(`The fault ${id} is not in force after ${settleMs / 1000} s. Clear it: coracle fault clear ${id}`);
}

/** Returns whether there was one. */
export async function removeFault(kube: KubeClient, id: string): Promise<boolean> {
  try {
    await kube.delete(faults, id);
    return true;
  } catch (error) {
    if (isKubeError(error, "not-found")) return false;
    throw error;
  }
}
