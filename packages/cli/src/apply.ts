/** Server-side apply of a deployment, one object after the other. */
import { type Deployment, type Item, itemName } from "./deployment.ts";
import { CliError } from "./errors.ts";

export const fieldManager = "coracle";

/** Applies all objects; `report` is told each name before it is sent. Rejects with the server's reason and what had been applied. */
export async function applyAll(deployment: Deployment, report: (name: string) => void): Promise<void> {
  await dryRun(deployment);
  for (const [position, item] of deployment.items.entries()) {
    report(itemName(item));
    await apply(deployment, item, false).catch((cause) => {
      throw new CliError(
        `${itemName(item)} was refused: ${(cause as Error).message}\n${applied(deployment, position)}`,
        { cause },
      );
    });
  }
}

/** Lets the server check every object whose namespace is there already, so that most mistakes show before anything changes. */
async function dryRun(deployment: Deployment): Promise<void> {
  const created = new Set(
    deployment.items.filter(({ object }) => object.kind === "Namespace").map(({ object }) => object.metadata.name),
  );
  const checkable = deployment.items.filter(({ namespace }) => !created.has(namespace));
  for (const item of checkable)
    await apply(deployment, item, true).catch((cause) => {
      throw new CliError(`${itemName(item)} would be refused: ${(cause as Error).message}\nNothing was applied.`, {
        cause,
      });
    });
}

async function apply({ kube }: Deployment, { object, resource, namespace }: Item, dry: boolean): Promise<void> {
  // Strict field validation turns a misspelt field into an error that names it; force, because `up` is the owner of what it applies.
  const path = resourcePath(resource, namespace, object.metadata.name);
  const query = new URLSearchParams({
    fieldManager,
    fieldValidation: "Strict",
    force: "true",
    ...(dry && { dryRun: "All" }),
  });
  await kube.raw({
    method: "PATCH",
    path: `${path}?${query}`,
    headers: { "content-type": "application/apply-patch+yaml" },
    body: object,
    timeoutMs: 30_000,
  });
}

export function resourcePath(resource: Item["resource"], namespace: string, name: string): string {
  const { group, version, plural } = resource;
  const root = group ? `/apis/${group}/${version}` : `/api/${version}`;
  return `${root}${namespace && `/namespaces/${namespace}`}/${plural}/${name}`;
}

function applied(deployment: Deployment, count: number): string {
  if (count === 0) return "Nothing was applied.";
  return `Applied before it: ${deployment.items.slice(0, count).map(itemName).join(", ")}. Mend the manifest and run the command again.`;
}
