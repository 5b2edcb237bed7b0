import type { Namespace } from "kubernetes-types/core/v1.js";
import { parseBody, readBody } from "../http/body.ts";
import { sendBytes } from "../http/respond.ts";
import { existing, type ResourceHandler } from "./verbs.ts";

/** PUT of a namespace's `finalize`: only `spec.finalizers` counts; without any left the namespace goes. */
export const serveFinalize: ResourceHandler = async (context, call, resource) => {
  const { request, response, info } = call;
  const body = (await parseBody(await readBody(request), request.headers["content-type"], "Namespace")) as Namespace;
  const before = existing(context, call, resource);
  const finalizers = body.spec?.finalizers ?? [];
  const change = (draft: Namespace) => {
    draft.spec = { ...draft.spec, finalizers };
  };
  const after = await context.store.modify("namespaces", "", info.name, change);
  sendBytes(response, 200, context.store.json(after ?? before));
};
