/** The refusals that every kind shares, in Kubernetes' words. */
import { type StatusDetails, StatusError } from "../errors.ts";
import { keyOfResource } from "../resources/row.ts";
import type { ResourceDescriptor } from "../store.ts";

type Named = Pick<ResourceDescriptor, "group" | "plural">;

/** Kubernetes puts the resource's plural, not its kind, into the details of refusals about a named object. */
const about = ({ group, plural }: Named, name: string): StatusDetails => ({
  name,
  ...(group && { group }),
  kind: plural,
});

const quoted = (row: Named, name: string) => `${keyOfResource(row)} ${JSON.stringify(name)}`;

export const notFound = (row: Named, name: string) =>
  new StatusError("NotFound", `${quoted(row, name)} not found`, about(row, name));

export const alreadyExists = (row: Named, name: string) =>
  new StatusError("AlreadyExists", `${quoted(row, name)} already exists`, about(row, name));

export const conflict = (row: Named, name: string, why = modified) =>
  new StatusError("Conflict", `Operation cannot be fulfilled on ${quoted(row, name)}: ${why}`, about(row, name));

const modified = "the object has been modified; please apply your changes to the latest version and try again";

export const forbiddenObject = (row: Named, name: string, why: string, details: StatusDetails = {}) =>
  new StatusError("Forbidden", `${quoted(row, name)} is forbidden: ${why}`, { ...about(row, name), ...details });

export const namespaceTerminating = (row: Named, name: string, namespace: string) =>
  forbiddenObject(row, name, `unable to create new content in namespace ${namespace} because it is being terminated`, {
    causes: [
      {
        reason: "NamespaceTerminating",
        message: `namespace ${namespace} is being terminated`,
        field: "metadata.namespace",
      },
    ],
  });

export const badRequest = (message: string) => new StatusError("BadRequest", message);
