/** The members as the API knows them, followed while the drill runs. */
import { type KubeWatch, resources } from "@coracle/kube";
import type { Pod } from "kubernetes-types/core/v1.js";
import type { Access, Member } from "./plugin.ts";
import type { Site } from "./site.ts";

export interface Members extends Access {
  pod(name: string): Pod | undefined;
  pods(): readonly Pod[];
  stop(): void;
}

/** Resolves once the pods are known. */
export async function followMembers(site: Site, port: number): Promise<Members> {
  const pods = new Map<string, Pod>();
  const labelSelector = Object.entries(site.labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  const watch = site.kube.watch(resources.pods, { namespace: site.namespace, labelSelector });
  await new Promise<void>((resolve) => void follow(watch, pods, resolve));
  const member = (pod: Pod): Member[] => {
    const { name = "" } = pod.metadata ?? {};
    const address = pod.status?.podIP;
    return address && !pod.metadata?.deletionTimestamp ? [{ name, ...site.reach({ name, address }, port) }] : [];
  };
  return {
    members: () => [...pods.values()].flatMap(member),
    pod: (name) => pods.get(name),
    pods: () => [...pods.values()],
    secret: rememberingSecrets(site),
    stop: () => watch.stop(),
  };
}

async function follow(watch: KubeWatch<Pod>, pods: Map<string, Pod>, onKnown: () => void): Promise<void> {
  const nameOf = ({ metadata }: Pod): string => metadata?.name ?? "";
  for await (const event of watch) {
    if (event.type === "replaced") {
      pods.clear();
      for (const pod of event.objects) pods.set(nameOf(pod), pod);
      onKnown();
    } else if (event.type === "deleted") pods.delete(nameOf(event.object));
    else pods.set(nameOf(event.object), event.object);
  }
}

/** Asked at every connection, so each is read once; while a system is down, clients connect in vain hundreds of times a second. */
function rememberingSecrets(site: Site): Access["secret"] {
  const known = new Map<string, Promise<string | undefined>>();
  return (name, key) => {
    const id = `${name}/${key}`;
    const value = known.get(id) ?? readSecret(site, name, key);
    known.set(id, value);
    value.catch(() => known.delete(id));
    return value;
  };
}

async function readSecret({ kube, namespace }: Site, name: string, key: string): Promise<string | undefined> {
  const { items } = await kube.list(resources.secrets, { namespace, fieldSelector: `metadata.name=${name}` });
  const encoded = items[0]?.data?.[key];
  return encoded === undefined ? undefined : Buffer.from(encoded, "base64").toString();
}
