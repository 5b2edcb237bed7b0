/** Certificate signing requests: who asks is written down by the server, what was asked never changes, approval is a subresource. */
import type { Strategy, WriteContext } from "../resources/row.ts";
import type { ApiObject } from "../types.ts";
import { type FieldError, invalid, required } from "../validation/field-error.ts";
import { present } from "../validation/rules.ts";
import { forbiddenObject } from "../write/refusals.ts";
import { readCertificateRequest } from "./request.ts";

export const clientSigner = "kubernetes.io/kube-apiserver-client";

const row = { group: "certificates.k8s.io", plural: "certificatesigningrequests" };
const shortestSeconds = 600;

const requestOf = ({ spec }: ApiObject) =>
  readCertificateRequest(Buffer.from(String(spec?.request ?? ""), "base64").toString("latin1"));

/** A certificate of the highest group could not be taken back. */
function admit(object: ApiObject, _context: WriteContext, old?: ApiObject): void {
  if (old || object.spec?.signerName !== clientSigner) return;
  if (!requestOf(object)?.organizations.includes("system:masters")) return;
  const why = `use of ${clientSigner} signer with system:masters group is not allowed`;
  throw forbiddenObject(row, object.metadata?.name ?? "", why);
}

function prepare(object: ApiObject, _context: WriteContext, old?: ApiObject): void {
  if (old) object.spec = old.spec;
  else object.status = {};
}

function validate(object: ApiObject): FieldError[] {
  const { request, signerName, usages, expirationSeconds } = object.spec ?? {};
  return [
    ...(request === undefined ? [required("spec.request")] : []),
    ...(request !== undefined && !requestOf(object)
      ? [invalid("spec.request", request, "PEM block type must be CERTIFICATE REQUEST, signed with its own key")]
      : []),
    ...present("spec.usages", usages, "usages must be specified"),
    ...present("spec.signerName", signerName),
    ...(expirationSeconds < shortestSeconds
      ? [
          invalid(
            "spec.expirationSeconds",
            expirationSeconds,
            "may not specify a duration less than 600 seconds (10 minutes)",
          ),
        ]
      : []),
  ];
}

export const certificateRequests: Strategy = { admit, prepare, validate, nameRule: "subdomain" };
