/** Objects for the tests of names and proxies. */
import type { Service } from "kubernetes-types/core/v1.js";
import type { Endpoint, EndpointSlice } from "kubernetes-types/discovery/v1.js";

export const service = (name: string, spec: Service["spec"], namespace = "default"): Service => ({
  metadata: { name, namespace },
  spec,
});

export interface EndpointSpec {
  readonly address: string;
  readonly hostname?: string;
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
}

export function slice(
  service: string,
  endpoints: readonly EndpointSpec[],
  ports: EndpointSlice["ports"],
  namespace = "default",
): EndpointSlice {
  return {
    addressType: "IPv4",
    metadata: { name: `${service}-abc`, namespace, labels: { "kubernetes.io/service-name": service } },
    endpoints: endpoints.map(toEndpoint),
    ports,
  };
}

const toEndpoint = ({
  address,
  hostname,
  ready = true,
  serving = ready,
  terminating = false,
}: EndpointSpec): Endpoint => ({
  addresses: [address],
  conditions: { ready, serving, terminating },
  ...(hostname !== undefined && { hostname }),
});
