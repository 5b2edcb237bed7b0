import type { ApiObject } from "../../machinery/types.ts";
import { parseBody, readBody } from "../http/body.ts";
import { writeOptions } from "../http/options.ts";
import { sendJson } from "../http/respond.ts";
import type { ResourceHandler } from "../resources/verbs.ts";

/** POST of a pod's `binding`: a scheduler's decision where the pod runs. */
export const serveBinding: ResourceHandler = async ({ store }, { request, response, info }, resource) => {
  const options = writeOptions(info.query, request.headers["user-agent"], "CreateOptions");
  const body = (await parseBody(
    await readBody(request),
    request.headers["content-type"],
    "Binding",
  )) as ApiObject | null;
  const binding = { ...body, metadata: { ...body?.metadata, name: info.name } };
  await store.post(resource, info.namespace, binding, { ...options, subresource: "binding" });
  sendJson(response, 201, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 });
};
