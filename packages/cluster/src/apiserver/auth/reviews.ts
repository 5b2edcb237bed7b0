/** The review kinds: questions that are asked by creating an object and answered in its status; nothing is stored. */
import type { PolicyRule } from "kubernetes-types/rbac/v1.js";
import { StatusError } from "../../machinery/errors.ts";
import type { ApiObject } from "../../machinery/types.ts";
import type { Attributes } from "./attributes.ts";
import type { Rbac } from "./rbac.ts";
import type { Tokens } from "./tokens.ts";
import type { UserInfo } from "./user.ts";

export interface ReviewContext {
  readonly rbac: Rbac;
  readonly tokens: Tokens;
  readonly user: UserInfo;
  /** Of the request; local reviews are about it. */
  readonly namespace: string;
}

/** Returns the review with its status. */
export type Review = (context: ReviewContext, review: ApiObject) => ApiObject;

export const selfSubjectReview: Review = ({ user }, review) => ({ ...review, status: { userInfo: toUserInfo(user) } });

export const selfSubjectAccessReview: Review = ({ rbac, user }, review) => answer(rbac, user, review, review.spec);

export const subjectAccessReview: Review = ({ rbac }, review) => {
  const spec = review.spec ?? {};
  if (!spec.user && !spec.groups?.length)
    throw invalidReview(review, "at least one of user or group must be specified");
  return answer(rbac, subjectOf(spec), review, spec);
};

export const localSubjectAccessReview: Review = (context, review) => {
  const attributes = review.spec?.resourceAttributes;
  if (attributes === undefined) throw invalidReview(review, "must be specified");
  if ((attributes.namespace ?? "") !== context.namespace) {
    throw new StatusError("BadRequest", `spec.resourceAttributes.namespace must match namespace: ${context.namespace}`);
  }
  return subjectAccessReview(context, review);
};

export const selfSubjectRulesReview: Review = ({ rbac, user }, review) => {
  const namespace = review.spec?.namespace;
  if (!namespace) throw new StatusError("BadRequest", "no namespace on request");
  const { rules, errors } = rbac.rulesFor(user, namespace);
  const status = {
    resourceRules: rules.filter((rule) => rule.resources?.length).map(resourceRule),
    nonResourceRules: rules.filter((rule) => rule.nonResourceURLs?.length).map(urlRule),
    incomplete: errors.length > 0,
    ...(errors.length > 0 && { evaluationError: errors.join(", ") }),
  };
  return { ...review, status };
};

export const tokenReview: Review = ({ tokens }, review) => {
  const { token = "", audiences } = review.spec ?? {};
  if (token === "") throw new StatusError("BadRequest", "token is required for TokenReview in authentication");
  const found = tokens.authenticate(token, audiences?.length ? audiences : undefined);
  const status = found
    ? { authenticated: true, user: toUserInfo(found.user), audiences: found.audiences }
    : { user: {}, error: "[invalid bearer token]" };
  return { ...review, status };
};

function answer(rbac: Rbac, user: UserInfo, review: ApiObject, spec: ApiObject | undefined): ApiObject {
  const attributes = attributesOf(review, spec);
  const { isAllowed, reason } = rbac.decide(user, attributes);
  return { ...review, status: { allowed: isAllowed, ...(reason !== "" && { reason }) } };
}

function attributesOf(review: ApiObject, spec: ApiObject | undefined): Attributes {
  const resource = spec?.resourceAttributes;
  const path = spec?.nonResourceAttributes;
  if ((resource === undefined) === (path === undefined)) {
    throw invalidReview(review, "exactly one of nonResourceAttributes or resourceAttributes must be specified");
  }
  if (path !== undefined) return { verb: path.verb ?? "", path: path.path ?? "" };
  const { verb = "", group = "", subresource = "", namespace = "", name = "" } = resource;
  return { verb, group, resource: resource.resource ?? "", subresource, namespace, name };
}

function invalidReview(review: ApiObject, message: string): StatusError {
  const kind = review.kind ?? "";
  const cause = { reason: "FieldValueInvalid", message, field: "spec.resourceAttributes" };
  const text = `${kind}.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: null: ${message}`;
  return new StatusError("Invalid", text, { group: "authorization.k8s.io", kind, causes: [cause] });
}

const subjectOf = (spec: ApiObject): UserInfo => ({
  username: spec.user ?? "",
  groups: spec.groups ?? [],
  ...(spec.uid && { uid: spec.uid }),
});

const toUserInfo = (user: UserInfo) => ({
  username: user.username,
  ...(user.uid !== undefined && { uid: user.uid }),
  groups: user.groups,
  ...(user.extra && { extra: user.extra }),
});

const resourceRule = ({ verbs, apiGroups, resources, resourceNames }: PolicyRule) => ({
  verbs,
  apiGroups,
  resources,
  ...(resourceNames?.length && { resourceNames }),
});

const urlRule = ({ verbs, nonResourceURLs }: PolicyRule) => ({ verbs, nonResourceURLs });
