/** The `scale` subresource (`autoscaling/v1`): how many replicas are wanted and how many there are, whatever the kind. */
import { StatusError } from "../../machinery/errors.ts";
import { isObject } from "../../machinery/json.ts";
import { keyOfResource } from "../../machinery/resources/row.ts";
import type { ResourceDescriptor } from "../../machinery/store.ts";
import type { ApiObject, Stored } from "../../machinery/types.ts";
import type { Call } from "../context.ts";
import { parseBody, readBody } from "../http/body.ts";
import { writeOptions } from "../http/options.ts";
import { parsePatch } from "../http/patch.ts";
import { sendJson } from "../http/respond.ts";
import { formatSelector } from "../table/columns.ts";
import { existing, type ResourceHandler } from "./verbs.ts";

const invalid = (message: string) => new StatusError("BadRequest", message);

export const serveScale: ResourceHandler = async (context, call, resource) => {
  const { info, request, response } = call;
  const current = existing(context, call, resource);
  if (info.verb === "get") return sendJson(response, 200, scaleOf(current));
  const { replicas, resourceVersion } = await wanted(call, current);
  if (resourceVersion !== undefined && resourceVersion !== current.metadata.resourceVersion)
    throw stale(resource, info.name);
  const options = writeOptions(info.query, request.headers["user-agent"], "UpdateOptions");
  const change = (draft: ApiObject) => {
    draft.spec = { ...draft.spec, replicas };
  };
  const { namespace, name } = info;
  const after = await context.store.modify(keyOfResource(resource) as string, namespace, name, change, {
    ...(options.fieldManager && { fieldManager: options.fieldManager }),
    ...(options.dryRun && { dryRun: true }),
    subresource: "scale",
  });
  sendJson(response, 200, scaleOf(after ?? current));
};

interface WantedScale {
  readonly replicas: number;
  readonly resourceVersion: string | undefined;
}

async function wanted({ info, request }: Call, current: Stored<ApiObject>): Promise<WantedScale> {
  const bytes = await readBody(request);
  const contentType = request.headers["content-type"];
  const body =
    info.verb === "update"
      ? await parseBody(bytes, contentType, "Scale")
      : applied((await parsePatch(bytes, contentType, info.query)).body, current);
  if (!isObject(body)) throw invalid("the object provided is unrecognized (must be of type Scale)");
  const { spec, metadata } = body as ApiObject;
  const replicas = spec?.replicas ?? 0;
  if (!Number.isInteger(replicas) || replicas < 0) throw negative(info.name, replicas);
  return { replicas, resourceVersion: metadata?.resourceVersion };
}

/** A Scale has one field that can change, so every patch type comes down to it. */
function applied(patch: unknown, current: Stored<ApiObject>): unknown {
  if (!Array.isArray(patch)) return { spec: { replicas: current.spec?.replicas ?? 0 }, ...(patch as object) };
  const operation = patch.findLast(({ op, path }) => path === "/spec/replicas" && (op === "replace" || op === "add"));
  if (operation === undefined) throw invalid("a JSON patch of a Scale can only replace /spec/replicas");
  return { spec: { replicas: operation.value } };
}

function negative(name: string, value: unknown): StatusError {
  const message = `Invalid value: ${JSON.stringify(value)}: must be greater than or equal to 0`;
  const causes = [{ reason: "FieldValueInvalid", message, field: "spec.replicas" }];
  const details = { name, group: "autoscaling", kind: "Scale", causes };
  return new StatusError("Invalid", `Scale.autoscaling "${name}" is invalid: spec.replicas: ${message}`, details);
}

const stale = ({ plural, group }: ResourceDescriptor, name: string) =>
  new StatusError(
    "Conflict",
    `Operation cannot be fulfilled on ${plural}.${group} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
    { name, group, kind: plural },
  );

function scaleOf({ metadata, spec, status }: Stored<ApiObject>) {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const selector =
    spec?.selector?.matchLabels || spec?.selector?.matchExpressions ? formatSelector(spec.selector) : undefined;
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { ...(spec?.replicas > 0 && { replicas: spec.replicas }) },
    status: { replicas: status?.replicas ?? 0, ...(selector && { selector }) },
  };
}
