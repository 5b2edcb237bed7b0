/** Certificate signing requests tell who made them, and are decided on by those who may decide for the signer. */
import { isObject } from "../../machinery/json.ts";
import type { ResourceDescriptor } from "../../machinery/store.ts";
import type { ApiObject } from "../../machinery/types.ts";
import { forbiddenObject } from "../../machinery/write/refusals.ts";
import type { UserInfo } from "../auth/user.ts";
import type { ApiContext, Call } from "../context.ts";

const isRequest = ({ group, plural }: ResourceDescriptor) =>
  group === "certificates.k8s.io" && plural === "certificatesigningrequests";

/** Writes the author into a new request, whatever its body says. */
export function signAsAuthor(user: UserInfo, resource: ResourceDescriptor, body: ApiObject): void {
  if (!isRequest(resource) || !isObject(body.spec)) return;
  const { username, uid, groups, extra } = user;
  const { uid: _, extra: __, ...spec } = body.spec;
  body.spec = { ...spec, username, ...(uid && { uid }), groups: [...groups], ...(extra && { extra }) };
}

/** What it takes to write a subresource, on the signer that the request names. */
const verbsOnSigner: Readonly<Record<string, string>> = { approval: "approve", status: "sign" };

/** Throws Forbidden. */
export function checkSigner({ store, rbac }: ApiContext, { info, user }: Call, resource: ResourceDescriptor): void {
  const verb = verbsOnSigner[info.subresource];
  if (!isRequest(resource) || verb === undefined) return;
  const request = store.get("certificatesigningrequests.certificates.k8s.io", "", info.name);
  const signer = request?.spec.signerName ?? "";
  const about = { verb, group: "certificates.k8s.io", resource: "signers", subresource: "", namespace: "" };
  const names = [signer, `${signer.split("/")[0]}/*`]; // all of a domain's, as RBAC may say
  if (names.some((name) => rbac.decide(user, { ...about, name }).isAllowed)) return;
  throw forbiddenObject(
    resource,
    info.name,
    `user not permitted to ${verb} requests with signerName ${JSON.stringify(signer)}`,
  );
}
