/** Keeps the `kubernetes` service in `default`: how programs in pods find the API server. */
import type { Service } from "kubernetes-types/core/v1.js";
import type { EndpointSlice } from "kubernetes-types/discovery/v1.js";
import { jsonEqual } from "../../machinery/json.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { watch } from "../harness/watch.ts";
import type { ApiServerAddress } from "../options.ts";

const namespace = "default";
const name = "kubernetes";
const slices = "endpointslices.discovery.k8s.io";

const serviceFor = ({ port }: ApiServerAddress): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace, labels: { component: "apiserver", provider: "kubernetes" } },
  spec: {
    type: "ClusterIP",
    sessionAffinity: "None",
    ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: port }],
  },
});

const skipMirror = { "endpointslice.kubernetes.io/skip-mirror": "true" };

/** The API server keeps this service's endpoints itself, as no pod stands behind them. */
export function kubernetesServiceController({ store, options }: ControllerContext): Controller {
  const keys = [`${namespace}/${name}`];
  const isOurs = ({ metadata }: { metadata: { namespace?: string; name: string } }) =>
    metadata.namespace === namespace && metadata.name === name;

  async function reconcile(): Promise<undefined> {
    const { apiServer } = options;
    if (!apiServer || !store.get("namespaces", "", namespace)) return undefined;
    if (!store.get("services", namespace, name)) await store.create("services", serviceFor(apiServer));
    await keepEndpoints(store, apiServer);
    await keepSlice(store, apiServer);
    return undefined;
  }

  return {
    name: "kubernetes-service-controller",
    watches: [
      watch("namespaces", ({ object }) => (object.metadata.name === namespace ? keys : [])),
      watch("services", ({ object }) => (isOurs(object) ? keys : [])),
      watch("endpoints", ({ object }) => (isOurs(object) ? keys : [])),
    ],
    reconcile,
  };
}

async function keepEndpoints(store: ControllerContext["store"], { host, port }: ApiServerAddress): Promise<void> {
  const subsets = [{ addresses: [{ ip: host }], ports: [{ name: "https", port, protocol: "TCP" }] }];
  const metadata = { name, namespace, labels: skipMirror };
  if (!store.get("endpoints", namespace, name))
    await store.create("endpoints", { apiVersion: "v1", kind: "Endpoints", metadata, subsets });
  else
    await store.modify("endpoints", namespace, name, (draft) => {
      draft.subsets = subsets;
    });
}

async function keepSlice(store: ControllerContext["store"], { host, port }: ApiServerAddress): Promise<void> {
  const content = {
    endpoints: [{ addresses: [host], conditions: { ready: true } }],
    ports: [{ name: "https", port, protocol: "TCP" }],
  };
  const slice: EndpointSlice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name, namespace, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ...content,
  };
  const present = store.get(slices, namespace, name);
  if (!present) await store.create(slices, slice);
  else if (!jsonEqual(present.endpoints, content.endpoints) || !jsonEqual(present.ports, content.ports))
    await store.modify(slices, namespace, name, (draft) => void Object.assign(draft, content));
}
