import type { Binding, Pod } from "kubernetes-types/core/v1.js";
import { StatusError } from "../../machinery/errors.ts";
import { parseBody, readBody } from "../http/body.ts";
import { sendJson } from "../http/respond.ts";
import { existing, type ResourceHandler } from "../resources/verbs.ts";

/** POST of a pod's `binding`: a scheduler's decision where the pod runs. */
export const serveBinding: ResourceHandler = async (context, call, resource) => {
  const { request, response, info } = call;
  const body = (await parseBody(await readBody(request), request.headers["content-type"], "Binding")) as Binding | null;
  const node = body?.target?.name;
  if (!node) throw new StatusError("BadRequest", "target.name: Required value");
  existing(context, call, resource);
  const bind = (pod: Pod) => {
    if (pod.spec?.nodeName) throw alreadyBound(info.name, pod.spec.nodeName);
    if (pod.spec) pod.spec.nodeName = node;
  };
  await context.store.modify("pods", info.namespace, info.name, bind);
  sendJson(response, 201, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 });
};

const alreadyBound = (name: string, node: string) =>
  new StatusError(
    "Conflict",
    `Operation cannot be fulfilled on pods/binding "${name}": pod ${name} is already assigned to node "${node}"`,
    { name, kind: "pods/binding" },
  );
