import { StatusError } from "../../machinery/errors.ts";
import type { ApiObject } from "../../machinery/types.ts";
import { parseBody, readBody } from "../http/body.ts";
import { sendJson } from "../http/respond.ts";
import { existing, type ResourceHandler } from "./verbs.ts";

const minExpirationSeconds = 600;
const maxExpirationSeconds = 2 ** 32;
const defaultExpirationSeconds = 3600;
const apiVersion = "authentication.k8s.io/v1";

/** POST of a service account's `token`: issues a token for it. */
export const serveTokenRequest: ResourceHandler = async (context, call, resource) => {
  const { request, response, info } = call;
  const account = existing(context, call, resource);
  const body = (await parseBody(
    await readBody(request),
    request.headers["content-type"],
    "TokenRequest",
  )) as ApiObject | null;
  const spec = body?.spec ?? {};
  const expirationSeconds = spec.expirationSeconds ?? defaultExpirationSeconds;
  checkExpiration(expirationSeconds);
  const bound = spec.boundObjectRef;
  const { token, expiresAt } = await context.tokens.issueToken({
    namespace: info.namespace,
    serviceAccount: info.name,
    audiences: spec.audiences ?? [],
    expirationSeconds,
    ...(bound?.kind === "Pod" && { pod: bound.name }),
  });
  sendJson(response, 201, {
    kind: "TokenRequest",
    apiVersion,
    metadata: { name: info.name, namespace: info.namespace, creationTimestamp: account.metadata.creationTimestamp },
    spec: { audiences: spec.audiences ?? [context.tokens.issuer], expirationSeconds, boundObjectRef: bound ?? null },
    status: { token, expirationTimestamp: expiresAt },
  });
};

function checkExpiration(seconds: number): void {
  if (seconds >= minExpirationSeconds && seconds <= maxExpirationSeconds) return;
  const why =
    seconds < minExpirationSeconds
      ? "may not specify a duration less than 10 minutes"
      : "may not specify a duration larger than 2^32 seconds";
  const field = "spec.expirationSeconds";
  const message = `Invalid value: ${seconds}: ${why}`;
  throw new StatusError("Invalid", `TokenRequest.authentication.k8s.io "" is invalid: ${field}: ${message}`, {
    group: "authentication.k8s.io",
    kind: "TokenRequest",
    causes: [{ reason: "FieldValueInvalid", message, field }],
  });
}
