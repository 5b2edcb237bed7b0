import { StatusError } from "../../machinery/errors.ts";
import { isObject } from "../../machinery/json.ts";
import type { ApiObject } from "../../machinery/types.ts";
import {
  localSubjectAccessReview,
  type Review,
  selfSubjectAccessReview,
  selfSubjectReview,
  selfSubjectRulesReview,
  subjectAccessReview,
  tokenReview,
} from "../auth/reviews.ts";
import { parseBody, readBody } from "../http/body.ts";
import { methodNotAllowed } from "../http/refusals.ts";
import { sendJson } from "../http/respond.ts";
import type { VirtualResource } from "./virtual.ts";

const authorization = { group: "authorization.k8s.io", version: "v1" };
const authentication = { group: "authentication.k8s.io", version: "v1" };

interface ReviewRow {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly namespaced?: true;
  readonly review: Review;
}

const rows: readonly ReviewRow[] = [
  { ...authentication, kind: "SelfSubjectReview", review: selfSubjectReview },
  { ...authentication, kind: "TokenReview", review: tokenReview },
  { ...authorization, kind: "LocalSubjectAccessReview", namespaced: true, review: localSubjectAccessReview },
  { ...authorization, kind: "SelfSubjectAccessReview", review: selfSubjectAccessReview },
  { ...authorization, kind: "SelfSubjectRulesReview", review: selfSubjectRulesReview },
  { ...authorization, kind: "SubjectAccessReview", review: subjectAccessReview },
];

/** Kinds that are only ever created, and answered at once. */
export const reviewResources: readonly VirtualResource[] = rows.map(({ group, version, kind, namespaced, review }) => ({
  group,
  version,
  kind,
  plural: `${kind.toLowerCase()}s`,
  singular: kind.toLowerCase(),
  namespaced: namespaced === true,
  shortNames: [],
  categories: [],
  verbs: ["create"],
  subresources: [],
  async serve({ rbac, tokens }, { request, response, user, info }) {
    if (info.name !== "") throw methodNotAllowed();
    const body = await parseBody(await readBody(request), request.headers["content-type"], kind);
    if (!isObject(body))
      throw new StatusError("BadRequest", `the object provided is unrecognized (must be of type ${kind})`);
    const { metadata, ...rest } = body as ApiObject;
    const object = {
      ...rest,
      kind,
      apiVersion: `${group}/${version}`,
      metadata: { creationTimestamp: null, ...metadata },
    };
    sendJson(response, 201, review({ rbac, tokens, user, namespace: info.namespace }, object as ApiObject));
  },
}));
