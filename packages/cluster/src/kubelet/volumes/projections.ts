/** Sources of volumes whose content comes from the API: one row per source, used alone and inside `projected`. */
import type {
  ConfigMap,
  ConfigMapProjection,
  DownwardAPIProjection,
  KeyToPath,
  Secret,
  SecretProjection,
  ServiceAccountTokenProjection,
  Volume,
  VolumeProjection,
} from "kubernetes-types/core/v1.js";
import { fieldValue, resourceValue } from "../env/fields.ts";
import { ContainerError } from "../errors.ts";
import { containerNamed } from "../pod/facts.ts";
import { safeRelativePath } from "./paths.ts";
import type { ProjectedFile, Projection, VolumeContext } from "./types.ts";

const never = Number.POSITIVE_INFINITY;
const defaultMode = 0o644;

/** The files of a volume that is made from the API; undefined when it is another kind of volume. */
export async function project(volume: Volume, context: VolumeContext): Promise<Projection | undefined> {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap) return fixed(configMapFiles(configMap, configMap.defaultMode, context));
  if (secret) {
    const { secretName: name, ...rest } = secret;
    return fixed(secretFiles({ name, ...rest }, secret.defaultMode, context));
  }
  if (downwardAPI) return fixed(downwardFiles(downwardAPI, downwardAPI.defaultMode, context));
  if (!projected) return undefined;
  const parts: Projection[] = [];
  for (const source of projected.sources ?? []) parts.push(await projectSource(source, projected.defaultMode, context));
  return {
    files: new Map(parts.flatMap(({ files }) => [...files])),
    refreshAt: Math.min(never, ...parts.map(({ refreshAt }) => refreshAt)),
  };
}

const fixed = (files: ReadonlyMap<string, ProjectedFile>): Projection => ({ files, refreshAt: never });

async function projectSource(
  source: VolumeProjection,
  mode: number | undefined,
  context: VolumeContext,
): Promise<Projection> {
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  if (configMap) return fixed(configMapFiles(configMap, mode, context));
  if (secret) return fixed(secretFiles(secret, mode, context));
  if (downwardAPI) return fixed(downwardFiles(downwardAPI, mode, context));
  if (serviceAccountToken) return await tokenFile(serviceAccountToken, mode, context);
  return fixed(new Map());
}

/** Every namespace has it, holding the cluster's CA; pods must not wait for the controller that writes it. */
const rootCaMap = "kube-root-ca.crt";

function configMapFiles(source: ConfigMapProjection, mode: number | undefined, { pod, sources }: VolumeContext) {
  const { name = "", items, optional } = source;
  const namespace = pod.metadata?.namespace ?? "";
  const fallback: ConfigMap | undefined = name === rootCaMap ? { data: { "ca.crt": sources.caPem } } : undefined;
  const found = sources.configMap(namespace, name) ?? fallback;
  if (found === undefined && !optional) throw new ContainerError("FailedMount", `configmap "${name}" not found`);
  const contents = new Map<string, Buffer | string>([
    ...Object.entries(found?.data ?? {}),
    ...Object.entries(found?.binaryData ?? {}).map(([key, value]) => [key, Buffer.from(value, "base64")] as const),
  ]);
  return keyFiles(contents, items, mode, optional, `configmap references non-existent config key`);
}

function secretFiles(source: SecretProjection, mode: number | undefined, { pod, sources }: VolumeContext) {
  const { name = "", items, optional } = source;
  const found: Secret | undefined = sources.secret(pod.metadata?.namespace ?? "", name);
  if (found === undefined && !optional) throw new ContainerError("FailedMount", `secret "${name}" not found`);
  const contents = new Map(
    Object.entries(found?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, "base64")]),
  );
  return keyFiles(contents, items, mode, optional, `references non-existent secret key`);
}

function keyFiles(
  contents: ReadonlyMap<string, Buffer | string>,
  items: readonly KeyToPath[] | undefined,
  mode: number | undefined,
  optional: boolean | undefined,
  complaint: string,
): Map<string, ProjectedFile> {
  const wanted: readonly KeyToPath[] = items ?? [...contents.keys()].map((key) => ({ key, path: key }));
  const files = new Map<string, ProjectedFile>();
  for (const { key, path, mode: own } of wanted) {
    const content = contents.get(key);
    if (content !== undefined) files.set(safeRelativePath(path, "path"), { content, mode: own ?? mode ?? defaultMode });
    else if (!optional) throw new ContainerError("FailedMount", `${complaint}: ${key}`);
  }
  return files;
}

function downwardFiles({ items = [] }: DownwardAPIProjection, mode: number | undefined, context: VolumeContext) {
  const { pod, addresses, sources } = context;
  const files = new Map<string, ProjectedFile>();
  for (const { path, fieldRef, resourceFieldRef, mode: own } of items) {
    const content = fieldRef
      ? fieldValue(pod, fieldRef.fieldPath, addresses)
      : resourceFieldRef
        ? resourceValue(containerNamed(pod, resourceFieldRef.containerName ?? ""), resourceFieldRef, sources.node)
        : "";
    files.set(safeRelativePath(path, "path"), { content, mode: own ?? mode ?? defaultMode });
  }
  return files;
}

const defaultTokenSeconds = 3600;

/** Kubernetes renews a token when a fifth of its life is left. */
const renewAfter = 0.8;

async function tokenFile(
  { audience, expirationSeconds = defaultTokenSeconds, path }: ServiceAccountTokenProjection,
  mode: number | undefined,
  { pod, sources, now }: VolumeContext,
): Promise<Projection> {
  const { token, expiresAt } = await sources.token(pod, audience, expirationSeconds);
  const lifeMs = new Date(expiresAt).getTime() - now;
  const file = { content: token, mode: mode ?? defaultMode };
  return {
    files: new Map([[safeRelativePath(path, "path"), file]]),
    refreshAt: now + Math.max(lifeMs, 1000) * renewAfter,
  };
}
