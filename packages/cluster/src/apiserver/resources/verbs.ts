/** The verbs that every resource shares, one row each. */
import { StatusError } from "../../machinery/errors.ts";
import { isObject } from "../../machinery/json.ts";
import { duplicateFields } from "../../machinery/json-error.ts";
import { apiVersionOf, keyOfResource } from "../../machinery/resources/row.ts";
import type { PageOptions, RequestOptions, ResourceDescriptor, WriteResult } from "../../machinery/store.ts";
import type { ApiObject, DeleteOptions, Stored } from "../../machinery/types.ts";
import { notFound } from "../../machinery/write/refusals.ts";
import { checkEscalation } from "../auth/escalation.ts";
import type { ApiContext, Call } from "../context.ts";
import { mediaType, parseBody, readBody } from "../http/body.ts";
import { deleteOptions, listOptions, writeOptions } from "../http/options.ts";
import { parsePatch } from "../http/patch.ts";
import { methodNotAllowed } from "../http/refusals.ts";
import { addWarnings, sendBytes, sendJson, sendLarge } from "../http/respond.ts";
import { kindPrefix, listBytes } from "../http/serialize.ts";
import { serveWatch } from "../http/watch.ts";
import { checkSigner, signAsAuthor } from "./authorship.ts";
import { formOf, sendObject } from "./forms.ts";

/** Answers a request for `resource`, which exists and serves the verb. Rejects with StatusError. */
export type ResourceHandler = (context: ApiContext, call: Call, resource: ResourceDescriptor) => Promise<void> | void;

export const resourceVerbs: Readonly<Record<string, ResourceHandler>> = {
  get,
  list,
  watch,
  create,
  update,
  patch,
  delete: remove,
  deletecollection: removeCollection,
};

function get(context: ApiContext, call: Call, resource: ResourceDescriptor): void {
  sendObject(context, call, resource, 200, existing(context, call, resource));
}

/** The object that the address names. Throws NotFound. */
export function existing({ store }: ApiContext, { info }: Call, resource: ResourceDescriptor): Stored<ApiObject> {
  const namespace = resource.namespaced ? info.namespace : "";
  const object = store.get(keyOfResource(resource), namespace, info.name);
  if (object === undefined) throw notFound(resource, info.name);
  return object;
}

async function list(context: ApiContext, call: Call, resource: ResourceDescriptor): Promise<void> {
  const { info, request, response } = call;
  const form = formOf(context, request, info.query, resource);
  const page = context.store.page(resource, pageOptions(info.query, info.namespace, resource));
  const metadata = {
    resourceVersion: page.resourceVersion,
    ...(page.continueToken && { continue: page.continueToken }),
    ...(page.remainingItemCount && { remainingItemCount: page.remainingItemCount }),
  };
  if (form !== undefined) return sendJson(response, 200, form.list(page.items, metadata));
  const head = { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata };
  await sendLarge(request, response, listBytes(context.store, head, page.items, impliedKind(resource)));
}

/** Items of custom kinds say what they are, those of built-in kinds do not. */
const impliedKind = (resource: ResourceDescriptor): Buffer | undefined =>
  resource.isCustom ? undefined : kindPrefix(apiVersionOf(resource), resource.kind);

const pageOptions = (query: URLSearchParams, namespace: string, resource: ResourceDescriptor): PageOptions =>
  listOptions(query, resource.namespaced ? namespace : "");

function watch(context: ApiContext, call: Call, resource: ResourceDescriptor): void {
  const form = formOf(context, call.request, call.info.query, resource);
  serveWatch(context, call, resource, form?.events());
}

async function create(context: ApiContext, call: Call, resource: ResourceDescriptor): Promise<void> {
  const { info } = call;
  if (info.name !== "") throw methodNotAllowed();
  const options = withAuthor(call, "CreateOptions");
  const body = await readObject(call, resource);
  guard(context, call, resource, body);
  signAsAuthor(call.user, resource, body);
  sendResult(context, call, resource, await context.store.post(resource, info.namespace, body, options));
}

async function update(context: ApiContext, call: Call, resource: ResourceDescriptor): Promise<void> {
  const { info } = call;
  const options = withSubresource(call, "UpdateOptions");
  checkSigner(context, call, resource);
  const body = await readObject(call, resource);
  guard(context, call, resource, body);
  const namespace = resource.namespaced ? info.namespace : "";
  sendResult(context, call, resource, await context.store.put(resource, namespace, info.name, body, options));
}

async function patch(context: ApiContext, call: Call, resource: ResourceDescriptor): Promise<void> {
  const { info, request } = call;
  const options = withSubresource(call, "PatchOptions");
  checkSigner(context, call, resource);
  const bytes = await readBody(request);
  const { type, body } = await parsePatch(bytes, request.headers["content-type"], info.query);
  const namespace = resource.namespaced ? info.namespace : "";
  if (resource.group === "rbac.authorization.k8s.io" && !options.dryRun) {
    const trial = await context.store.patch(resource, namespace, info.name, type, body, { ...options, dryRun: true });
    guard(context, call, resource, trial.object);
  }
  sendResult(context, call, resource, await context.store.patch(resource, namespace, info.name, type, body, options));
}

const withAuthor = ({ info, request, user }: Call, kind: string): RequestOptions => ({
  ...writeOptions(info.query, request.headers["user-agent"], kind),
  user,
});

function withSubresource(call: Call, kind: string): RequestOptions {
  const { subresource } = call.info;
  const options = withAuthor(call, kind);
  return subresource === "" ? options : { ...options, subresource };
}

async function readObject(call: Call, resource: ResourceDescriptor): Promise<ApiObject> {
  const { request } = call;
  const type = request.headers["content-type"];
  const bytes = await readBody(request);
  const body = await parseBody(bytes, type, resource.kind);
  if (isObject(body)) {
    if (mediaType(type) === "application/json" || type === undefined) checkDuplicates(call, resource, bytes);
    return body;
  }
  throw new StatusError("BadRequest", `the object provided is unrecognized (must be of type ${resource.kind})`);
}

/** Whoever asks for the check of fields hears of those that stand there twice. Throws BadRequest. */
function checkDuplicates({ info, response }: Call, { kind, version }: ResourceDescriptor, bytes: Buffer): void {
  const validation = info.query.get("fieldValidation");
  if (validation !== "Strict" && validation !== "Warn") return;
  const told = duplicateFields(bytes.toString("utf8")).map((path) => `duplicate field ${JSON.stringify(path)}`);
  if (validation === "Warn") addWarnings(response, told);
  else if (told.length > 0)
    throw new StatusError(
      "BadRequest",
      `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: strict decoding error: ${told.join(", ")}`,
    );
}

/** Refuses what the user's own permissions do not reach. */
function guard({ rbac }: ApiContext, { info, user }: Call, resource: ResourceDescriptor, object: ApiObject): void {
  const name = info.name || object.metadata?.name || "";
  const namespace = resource.namespaced ? info.namespace : "";
  checkEscalation(rbac, user, { group: resource.group, resource: resource.plural, namespace, name }, object);
}

function sendResult(context: ApiContext, call: Call, resource: ResourceDescriptor, result: WriteResult): void {
  addWarnings(call.response, result.warnings);
  sendObject(context, call, resource, result.created ? 201 : 200, result.object);
}

/** Kinds whose deletion is answered with the object even when it is gone. */
const answersWithObject = new Set([
  "pods",
  "persistentvolumes",
  "persistentvolumeclaims",
  "services",
  "serviceaccounts",
]);

async function remove(context: ApiContext, call: Call, resource: ResourceDescriptor): Promise<void> {
  const { info, response } = call;
  const options = await readDeleteOptions(call);
  const namespace = resource.namespaced ? info.namespace : "";
  const { object, gone } = await context.store.remove(resource, namespace, info.name, options);
  if (!gone || answersWithObject.has(keyOfResource(resource))) sendBytes(response, 200, context.store.json(object));
  else sendJson(response, 200, deleted(resource, object));
}

async function readDeleteOptions({ info, request, user }: Call): Promise<DeleteOptions & Pick<RequestOptions, "user">> {
  const bytes = await readBody(request);
  const body =
    bytes.length === 0 ? undefined : await parseBody(bytes, request.headers["content-type"], "DeleteOptions");
  return { ...deleteOptions(info.query, body), user };
}

function deleted({ plural, group }: ResourceDescriptor, object: Stored<ApiObject>) {
  const { name, uid } = object.metadata;
  const details = { name, ...(group !== "" && { group }), kind: plural, uid };
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details };
}

async function removeCollection(context: ApiContext, call: Call, resource: ResourceDescriptor): Promise<void> {
  const { info, request, response } = call;
  const options = await readDeleteOptions(call);
  const page = context.store.page(resource, pageOptions(info.query, info.namespace, resource));
  const removed: Stored<ApiObject>[] = [];
  for (const { metadata } of page.items) {
    const result = await context.store.remove(resource, metadata.namespace ?? "", metadata.name, options).catch(ifGone);
    if (result !== undefined) removed.push(result.object);
  }
  const metadata = { resourceVersion: context.store.resourceVersion };
  const head = { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata };
  await sendLarge(request, response, listBytes(context.store, head, removed));
}

/** Somebody else deleted it first. */
function ifGone(error: unknown): undefined {
  if (error instanceof StatusError && error.reason === "NotFound") return undefined;
  throw error;
}
