/** Signs approved certificate signing requests for clients of the API. Those for other signers are left to whoever plays them. */
import type { CertificateSigningRequest } from "kubernetes-types/certificates/v1.js";
import { readCertificateRequest } from "../../machinery/certificates/request.ts";
import type { Registry, Stored } from "../../machinery/types.ts";
import type { Pki } from "./pki.ts";

const resource = "certificatesigningrequests.certificates.k8s.io";
const signers = ["kubernetes.io/kube-apiserver-client", "kubernetes.io/kube-apiserver-client-kubelet"];
const longestSeconds = 365 * 24 * 3600;

const holds = ({ status }: CertificateSigningRequest, condition: string): boolean =>
  status?.conditions?.some(({ type }) => type === condition) ?? false;

const isDue = (request: CertificateSigningRequest): boolean =>
  signers.includes(request.spec.signerName) &&
  holds(request, "Approved") &&
  !holds(request, "Denied") &&
  !holds(request, "Failed") &&
  !request.status?.certificate;

/** Follows the requests in `store`. Returns the stop function. */
export function signCertificateRequests(store: Registry, pki: Pki, report: (error: unknown) => void): () => void {
  return store.subscribe(resource, ({ type, object }) => {
    if (type !== "DELETED" && isDue(object)) void sign(store, pki, object).catch(report);
  });
}

async function sign(store: Registry, pki: Pki, { metadata, spec }: Stored<CertificateSigningRequest>): Promise<void> {
  const request = readCertificateRequest(Buffer.from(spec.request, "base64").toString("latin1"));
  if (request === undefined) return; // refused when it was made
  const { expirationSeconds = longestSeconds } = spec as { expirationSeconds?: number };
  const certificatePem = pki.issueClient(request, Math.min(expirationSeconds, longestSeconds));
  const change = (draft: CertificateSigningRequest) => {
    if (!isDue(draft)) return false;
    draft.status = { ...draft.status, certificate: Buffer.from(certificatePem).toString("base64") };
    return undefined;
  };
  await store.modify(resource, "", metadata.name, change, {
    subresource: "status",
    fieldManager: "kube-controller-manager",
  });
}
