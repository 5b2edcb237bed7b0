/** Which part of an object a write through a subresource may change; the rest is taken from the stored object. */
import type { ApiObject, Stored } from "../types.ts";
import type { Draft } from "./identity.ts";

type Merge = (draft: Draft, old: Stored<ApiObject>) => ApiObject;

const withSpec = (old: ApiObject, spec: ApiObject): ApiObject => ({ ...old, spec: { ...old.spec, ...spec } });

const merges: Readonly<Record<string, Merge>> = {
  status: (draft, old) => ({ ...old, status: draft.status }),
  approval: (draft, old) => ({ ...old, status: { ...old.status, conditions: draft.status?.conditions } }),
  scale: (draft, old) => withSpec(old, { replicas: draft.spec?.replicas }),
  finalize: (draft, old) => withSpec(old, { finalizers: draft.spec?.finalizers }),
  binding: (draft, old) => ({ ...withSpec(old, { nodeName: draft.spec?.nodeName }), status: draft.status }),
  ephemeralcontainers: (draft, old) => withSpec(old, { ephemeralContainers: draft.spec?.ephemeralContainers }),
  resize: (draft, old) => withSpec(old, { containers: withResources(draft, old) }),
};

function withResources(draft: Draft, old: ApiObject): ApiObject[] {
  const wanted = new Map<string, ApiObject>(
    (draft.spec?.containers ?? []).map((container: ApiObject) => [container.name, container]),
  );
  return old.spec.containers.map((container: ApiObject) => {
    const resources = wanted.get(container.name)?.resources;
    return resources === undefined ? container : { ...container, resources };
  });
}

/** Metadata through a subresource is the stored one; only managers are recorded. */
export function mergeSubresource(subresource: string, draft: Draft, old: Stored<ApiObject>): Draft | undefined {
  const merge = merges[subresource];
  if (!merge) return undefined;
  const { managedFields } = draft.metadata;
  const metadata = { ...old.metadata, ...(managedFields && { managedFields }) };
  return { ...merge(draft, old), metadata };
}
