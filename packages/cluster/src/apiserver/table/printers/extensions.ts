/** Tables of the kinds that extend the API server or describe drivers and runtimes. */
import type { ApiObject } from "../../../machinery/types.ts";
import { ageColumn, column, count, nameColumn, none, printer, unset } from "../columns.ts";

const sizeOf = (list: unknown): number => (Array.isArray(list) ? list.length : 0);
const yesOrNo = (value: unknown): boolean => value === true;
const boolean = { type: "boolean" } as const;
const webhooks = printer<ApiObject>(
  nameColumn,
  count("Webhooks", (object) => sizeOf(object.webhooks)),
  ageColumn,
);
const plain = printer<ApiObject>(nameColumn, ageColumn);

const audiences = ({ spec }: ApiObject): string =>
  ((spec?.tokenRequests as { audience: string }[] | undefined) ?? []).map(({ audience }) => audience).join(",") ||
  unset;

const paramKind = ({ spec }: ApiObject): string =>
  spec?.paramKind ? `${spec.paramKind.apiVersion}/${spec.paramKind.kind}` : unset;

function paramRef({ spec }: ApiObject): string {
  const { name, namespace = "*", selector } = spec?.paramRef ?? {};
  if (name === undefined && selector === undefined) return unset;
  return name === undefined ? `${namespace}/${JSON.stringify(selector)}` : `${namespace}/${name}`;
}

function claimState({ metadata, status }: ApiObject): string {
  const states = [
    ...(status?.allocation ? ["allocated"] : []),
    ...(sizeOf(status?.reservedFor) > 0 ? ["reserved"] : []),
    ...(metadata?.deletionTimestamp ? ["deleted"] : []),
  ];
  return states.join(",") || "pending";
}

const missingLevel = ({ status }: ApiObject): string =>
  ((status?.conditions as { type: string; status: string }[] | undefined) ?? []).find(({ type }) => type === "Dangling")
    ?.status ?? "?";

const queuing = (field: string, name: string) =>
  column<ApiObject>(name, ({ spec }) => spec?.limited?.limitResponse?.queuing?.[field] ?? none);

export const extensionPrinters = {
  "mutatingwebhookconfigurations.admissionregistration.k8s.io": webhooks,
  "validatingwebhookconfigurations.admissionregistration.k8s.io": webhooks,
  "validatingadmissionpolicies.admissionregistration.k8s.io": printer<ApiObject>(
    nameColumn,
    count("Validations", ({ spec }) => sizeOf(spec?.validations)),
    column("ParamKind", paramKind),
    ageColumn,
  ),
  "validatingadmissionpolicybindings.admissionregistration.k8s.io": printer<ApiObject>(
    nameColumn,
    column("PolicyName", ({ spec }) => spec?.policyName ?? ""),
    column("ParamRef", paramRef),
    ageColumn,
  ),
  "runtimeclasses.node.k8s.io": printer<ApiObject>(
    nameColumn,
    column("Handler", ({ handler }) => handler ?? ""),
    ageColumn,
  ),
  "csidrivers.storage.k8s.io": printer<ApiObject>(
    nameColumn,
    column("AttachRequired", ({ spec }) => spec?.attachRequired ?? true, boolean),
    column("PodInfoOnMount", ({ spec }) => yesOrNo(spec?.podInfoOnMount), boolean),
    column("StorageCapacity", ({ spec }) => yesOrNo(spec?.storageCapacity), boolean),
    column("TokenRequests", audiences),
    column("RequiresRepublish", ({ spec }) => yesOrNo(spec?.requiresRepublish), boolean),
    column("Modes", ({ spec }) => (spec?.volumeLifecycleModes ?? []).join(",") || none),
    ageColumn,
  ),
  "csinodes.storage.k8s.io": printer<ApiObject>(
    nameColumn,
    count("Drivers", ({ spec }) => sizeOf(spec?.drivers)),
    ageColumn,
  ),
  "csistoragecapacities.storage.k8s.io": printer<ApiObject>(
    nameColumn,
    column("StorageClassName", ({ storageClassName }) => storageClassName ?? ""),
    column("Capacity", ({ capacity }) => String(capacity ?? unset)),
  ),
  "volumeattachments.storage.k8s.io": printer<ApiObject>(
    nameColumn,
    column("Attacher", ({ spec }) => spec?.attacher ?? ""),
    column("PV", ({ spec }) => spec?.source?.persistentVolumeName ?? ""),
    column("Node", ({ spec }) => spec?.nodeName ?? ""),
    column("Attached", ({ status }) => yesOrNo(status?.attached), boolean),
    ageColumn,
  ),
  "volumeattributesclasses.storage.k8s.io": printer<ApiObject>(
    nameColumn,
    column("DriverName", ({ driverName }) => driverName ?? ""),
    ageColumn,
  ),
  "deviceclasses.resource.k8s.io": plain,
  "resourceclaims.resource.k8s.io": printer<ApiObject>(nameColumn, column("State", claimState), ageColumn),
  "resourceclaimtemplates.resource.k8s.io": plain,
  "resourceslices.resource.k8s.io": printer<ApiObject>(
    nameColumn,
    column("Node", ({ spec }) => spec?.nodeName ?? ""),
    column("Driver", ({ spec }) => spec?.driver ?? ""),
    column("Pool", ({ spec }) => spec?.pool?.name ?? ""),
    ageColumn,
  ),
  "flowschemas.flowcontrol.apiserver.k8s.io": printer<ApiObject>(
    nameColumn,
    column("PriorityLevel", ({ spec }) => spec?.priorityLevelConfiguration?.name ?? ""),
    count("MatchingPrecedence", ({ spec }) => spec?.matchingPrecedence ?? 0),
    column("DistinguisherMethod", ({ spec }) => spec?.distinguisherMethod?.type ?? none),
    ageColumn,
    column("MissingPL", missingLevel),
  ),
  "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": printer<ApiObject>(
    nameColumn,
    column("Type", ({ spec }) => spec?.type ?? ""),
    column("NominalConcurrencyShares", ({ spec }) => (spec?.limited ?? spec?.exempt)?.nominalConcurrencyShares ?? none),
    queuing("queues", "Queues"),
    queuing("handSize", "HandSize"),
    queuing("queueLengthLimit", "QueueLengthLimit"),
    ageColumn,
  ),
  "ipaddresses.networking.k8s.io": printer<ApiObject>(
    nameColumn,
    column("ParentRef", ({ spec }) => {
      const { resource, namespace, name } = spec.parentRef;
      return `${resource}/${namespace}/${name}`;
    }),
  ),
  "servicecidrs.networking.k8s.io": printer<ApiObject>(
    nameColumn,
    column("CIDRs", ({ spec }) => spec.cidrs.join(",")),
    ageColumn,
  ),
};
