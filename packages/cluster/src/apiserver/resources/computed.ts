/** Kinds that can be read but are stored nowhere: the cluster knows them from what it serves. */
import { apiVersionOf } from "../../machinery/resources/row.ts";
import type { ResourceDescriptor } from "../../machinery/store.ts";
import type { ApiObject, Stored } from "../../machinery/types.ts";
import { notFound } from "../../machinery/write/refusals.ts";
import type { ApiContext, Call } from "../context.ts";
import { groupVersion, servedGroups } from "../discovery/catalogue.ts";
import { sendJson } from "../http/respond.ts";
import { formOf } from "./forms.ts";
import type { VirtualResource } from "./virtual.ts";

type Item = Stored<ApiObject>;

interface ComputedKind extends Pick<ResourceDescriptor, "group" | "version" | "kind" | "plural" | "shortNames"> {
  readonly items: (context: ApiContext) => readonly Item[];
}

const kinds: readonly ComputedKind[] = [
  {
    group: "",
    version: "v1",
    kind: "ComponentStatus",
    plural: "componentstatuses",
    shortNames: ["cs"],
    items: componentStatuses,
  },
  {
    group: "apiregistration.k8s.io",
    version: "v1",
    kind: "APIService",
    plural: "apiservices",
    shortNames: [],
    items: apiServices,
  },
  {
    group: "networking.k8s.io",
    version: "v1",
    kind: "IPAddress",
    plural: "ipaddresses",
    shortNames: ["ip"],
    items: addresses,
  },
  {
    group: "networking.k8s.io",
    version: "v1",
    kind: "ServiceCIDR",
    plural: "servicecidrs",
    shortNames: [],
    items: serviceRanges,
  },
];

export const computedResources: readonly VirtualResource[] = kinds.map(({ items, ...row }) => {
  const resource = {
    ...row,
    singular: row.kind.toLowerCase(),
    namespaced: false,
    categories: row.plural === "apiservices" ? ["api-extensions"] : [],
    verbs: ["get", "list"],
    subresources: [],
  };
  return { ...resource, serve: (context, call) => serve(context, call, resource, items(context)) };
});

function serve(context: ApiContext, call: Call, resource: ResourceDescriptor, items: readonly Item[]): void {
  const { info, request, response } = call;
  const form = formOf(context, request, info.query, resource);
  if (info.name !== "") {
    const item = items.find(({ metadata }) => metadata.name === info.name);
    if (item === undefined) throw notFound(resource, info.name);
    sendJson(response, 200, form?.one(item) ?? item);
    return;
  }
  const metadata = { resourceVersion: context.store.resourceVersion };
  const head = { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata };
  sendJson(response, 200, form?.list(items, metadata) ?? { ...head, items });
}

/** What `kubectl get componentstatuses` shows. All of it is this one process, so whoever asks has the answer. */
function componentStatuses(): Item[] {
  const conditions = [{ type: "Healthy", status: "True", message: "ok" }];
  return ["controller-manager", "scheduler", "etcd-0"].map(
    (name) =>
      ({
        apiVersion: "v1",
        kind: "ComponentStatus",
        metadata: { name, creationTimestamp: null },
        conditions,
      }) as unknown as Item,
  );
}

/** One for each group and version; all are served here, as the aggregation layer would say. */
function apiServices({ store }: ApiContext): Item[] {
  const { creationTimestamp = "" } = store.get("namespaces", "", "kube-system")?.metadata ?? {};
  const available = {
    type: "Available",
    status: "True",
    lastTransitionTime: creationTimestamp,
    reason: "Local",
    message: "Local APIServices are always available",
  };
  const items = servedGroups(store.descriptors()).flatMap(({ group, versions }) =>
    versions.map(({ version }) => ({
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      metadata: {
        name: `${version}.${group}`,
        uid: "",
        resourceVersion: "",
        creationTimestamp,
        labels: { "kube-aggregator.kubernetes.io/automanaged": "onstart" },
      },
      spec: { ...(group && { group }), version, ...priorities(groupVersion(group, version)) },
      status: { conditions: [available] },
    })),
  );
  return items.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)) as unknown as Item[];
}

/** The core group comes first; nothing here depends on the order of the others. */
const priorities = (name: string) => ({ groupPriorityMinimum: name === "v1" ? 18000 : 17000, versionPriority: 15 });

/** One for each cluster IP of a Service, as the allocator of Kubernetes keeps them. */
function addresses({ store }: ApiContext): Item[] {
  const services = store.list("services").filter(({ spec }) => spec?.clusterIP && spec.clusterIP !== "None");
  return services.map(({ metadata, spec }) => {
    const { name, namespace, creationTimestamp, uid, resourceVersion } = metadata;
    const labels = {
      "ipaddress.kubernetes.io/ip-family": "IPv4",
      "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
    };
    return {
      apiVersion: "networking.k8s.io/v1",
      kind: "IPAddress",
      metadata: { name: spec?.clusterIP ?? "", uid, resourceVersion, creationTimestamp, labels },
      spec: { parentRef: { group: "", resource: "services", namespace, name } },
    };
  });
}

/** The one range that cluster IPs come from; it is chosen when the cluster is made. */
function serviceRanges({ store, plan }: ApiContext): Item[] {
  const { creationTimestamp = "", uid = "" } = store.get("namespaces", "", "kube-system")?.metadata ?? {};
  const ready = {
    type: "Ready",
    status: "True",
    lastTransitionTime: creationTimestamp,
    reason: "",
    message: "Kubernetes Service CIDR is ready",
  };
  return [
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "ServiceCIDR",
      metadata: { name: "kubernetes", uid, resourceVersion: "1", creationTimestamp },
      spec: { cidrs: [`${plan.services.at(0).replace(/\d+$/, "0")}/17`] },
      status: { conditions: [ready] },
    },
  ];
}
