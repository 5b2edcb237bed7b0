/** Requests that leave HTTP (WebSocket or SPDY): checked like all others, then handed to whoever speaks those protocols. */
import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { StatusError } from "../../machinery/errors.ts";
import { notFound } from "../../machinery/write/refusals.ts";
import { authenticate } from "../auth/authenticate.ts";
import { authorize } from "../auth/authorize.ts";
import type { ApiContext, PodStreamContext } from "../context.ts";
import { methodNotAllowed, noSuchRoute } from "../http/refusals.ts";
import { parseRequest, type RequestInfo } from "../http/request-info.ts";
import { asStatusError } from "../http/respond.ts";

export function serveUpgrade(context: ApiContext, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  socket.on("error", () => socket.destroy());
  try {
    const { podStreams, kubelet } = context;
    const info = parseRequest(request.method ?? "GET", request.url ?? "/");
    const subresource = permitted(context, request, info);
    if (podStreams === undefined) throw new StatusError("ServiceUnavailable", "streams into pods are not served here");
    const pod = { namespace: info.namespace, name: info.name };
    podStreams({ request, socket, head, pod, subresource, query: info.query, kubelet });
  } catch (error) {
    if (!(error instanceof StatusError)) context.report(error);
    refuse(socket, asStatusError(error));
  }
}

function permitted(
  { tokens, rbac, store }: ApiContext,
  request: IncomingMessage,
  info: RequestInfo,
): PodStreamContext["subresource"] {
  const user = authenticate(request, info.path, tokens, rbac);
  authorize(rbac, user, info);
  // A WebSocket begins with GET; what it does in the pod is no reading, so it needs `create` as SPDY's POST does.
  if (info.verb === "get") authorize(rbac, user, info, "create");
  const { group, resource, subresource, namespace, name, verb } = info;
  if (group !== "" || resource !== "pods" || !isStreamed(subresource)) throw noSuchRoute();
  if (verb !== "get" && verb !== "create") throw methodNotAllowed();
  const pod = store.get("pods", namespace, name);
  if (pod === undefined) throw notFound({ group: "", plural: "pods" }, name);
  if (!pod.spec?.nodeName) throw new StatusError("BadRequest", `pod ${name} does not have a host assigned`);
  return subresource;
}

const isStreamed = (name: string): name is PodStreamContext["subresource"] =>
  name === "exec" || name === "attach" || name === "portforward";

/** Answers in HTTP, since nothing else was agreed on yet. */
function refuse(socket: Duplex, error: StatusError): void {
  const body = JSON.stringify(error.toStatus());
  const head = [
    `HTTP/1.1 ${error.code} ${STATUS_CODES[error.code] ?? ""}`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}
