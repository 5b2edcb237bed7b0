/** Finds which path serves a kind, by asking the server once per group. */
import type { KubeClient, Resource } from "@coracle/kube";
import { CliError } from "./errors.ts";

interface ResourceList {
  readonly resources: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[];
}

export type ResourceFinder = (object: { readonly apiVersion: string; readonly kind: string }) => Promise<Resource>;

export function resourceFinder(kube: KubeClient): ResourceFinder {
  const lists = new Map<string, Promise<ResourceList>>();
  const list = (apiVersion: string): Promise<ResourceList> => {
    const known = lists.get(apiVersion);
    if (known) return known;
    const path = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const asked = kube.raw<ResourceList>({ method: "GET", path });
    lists.set(apiVersion, asked);
    return asked;
  };
  return async ({ apiVersion, kind }) => {
    const { resources } = await list(apiVersion).catch((cause) => {
      throw new CliError(`This cluster does not serve ${apiVersion} (for kind ${kind}): ${(cause as Error).message}`, {
        cause,
      });
    });
    const found = resources.find((resource) => resource.kind === kind && !resource.name.includes("/"));
    if (!found)
      throw new CliError(
        `This cluster has no kind ${kind} in ${apiVersion}. Check kind and apiVersion for typing errors.`,
      );
    const [version = "", group = ""] = apiVersion.split("/").reverse();
    return { group, version, plural: found.name, namespaced: found.namespaced };
  };
}
