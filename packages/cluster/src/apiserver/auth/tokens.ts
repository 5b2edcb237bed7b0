/**
 * Bearer tokens: the administrator's, and service-account tokens (JWTs bound to an account and possibly to a pod). A token is good
 * while its account, and its pod where it names one, still exist with the same uid; that is asked on every request, the signature only once.
 */
import { randomUUID, timingSafeEqual } from "node:crypto";
import type { PodRef } from "../../kubelet/types.ts";
import { StatusError } from "../../machinery/errors.ts";
import type { Clock, Registry } from "../../machinery/types.ts";
import type { Pki } from "../pki/pki.ts";
import { keyId, signJwt, verifyJwt } from "./jwt.ts";
import { adminUser, serviceAccountGroups, serviceAccountUsername, type UserInfo, withAuthenticated } from "./user.ts";

export interface TokenRequest {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Binds the token to this pod of the same namespace. */
  readonly pod?: string | undefined;
  readonly audiences?: readonly string[] | undefined;
  /** 3600 unless told; the registry of TokenRequests checks the lower bound. */
  readonly expirationSeconds?: number | undefined;
}

export interface IssuedToken {
  readonly token: string;
  /** RFC 3339. */
  readonly expiresAt: string;
}

export interface Tokens {
  readonly issuer: string;
  readonly adminToken: string;
  /** Rejects with NotFound when the account or the pod does not exist. */
  issueToken(request: TokenRequest): Promise<IssuedToken>;
  /** Who a token stands for, for one of `audiences` (the API server unless told); undefined when it is not good. */
  authenticate(token: string, audiences?: readonly string[]): AuthenticatedToken | undefined;
}

export interface AuthenticatedToken {
  readonly user: UserInfo;
  readonly audiences: readonly string[];
}

interface BoundObject {
  readonly name: string;
  readonly uid: string;
}

interface Claims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: readonly string[];
  readonly exp: number;
  readonly jti: string;
  readonly "kubernetes.io": {
    readonly namespace: string;
    readonly serviceaccount: BoundObject;
    readonly pod?: BoundObject;
    readonly node?: BoundObject;
  };
}

/** A token whose signature is good, with the user that it names, kept so that neither is computed again. */
interface VerifiedToken {
  readonly claims: Claims;
  readonly user: UserInfo;
}

const defaultExpirationSeconds = 3600;
const maxVerified = 4096;

export interface TokenDependencies {
  readonly pki: Pki;
  readonly store: Registry;
  readonly clock: Clock;
  /** The cluster's DNS domain, which the issuer names. */
  readonly domain?: string;
}

export function openTokens({ pki, store, clock, domain = "cluster.local" }: TokenDependencies): Tokens {
  const issuer = `https://kubernetes.default.svc.${domain}`;
  const kid = keyId(pki.tokenPublicKey);
  const verified = new Map<string, VerifiedToken>();
  const isAdmin = sameSecret(pki.adminToken);

  function recall(token: string): VerifiedToken | undefined {
    const known = verified.get(token);
    if (known !== undefined) return known;
    const claims = verifyJwt(token, pki.tokenPublicKey) as Claims | undefined;
    if (claims === undefined || claims.iss !== issuer) return undefined;
    if (verified.size >= maxVerified) verified.clear();
    const entry = { claims, user: userOf(claims) };
    verified.set(token, entry);
    return entry;
  }

  return {
    issuer,
    adminToken: pki.adminToken,
    async issueToken(request) {
      const nowSeconds = Math.floor(clock.now() / 1000);
      const claims = claimsFor(store, request, issuer, nowSeconds);
      const expiresAt = `${new Date(claims.exp * 1000).toISOString().slice(0, 19)}Z`;
      return { token: signJwt(claims, pki.tokenKey, kid), expiresAt };
    },
    authenticate(token, wanted = [issuer]) {
      if (isAdmin(token)) return { user: adminUser, audiences: wanted };
      const entry = recall(token);
      if (entry === undefined || !isLive(store, entry.claims, clock.now())) return undefined;
      const audiences = wanted.filter((audience) => entry.claims.aud.includes(audience));
      return audiences.length > 0 ? { user: entry.user, audiences } : undefined;
    },
  };
}

function claimsFor(store: Registry, request: TokenRequest, issuer: string, nowSeconds: number) {
  const { namespace, serviceAccount, audiences = [], expirationSeconds = defaultExpirationSeconds } = request;
  const account = store.get("serviceaccounts", namespace, serviceAccount);
  if (account === undefined) throw notFound("serviceaccounts", serviceAccount);
  return {
    aud: audiences.length > 0 ? audiences : [issuer],
    exp: nowSeconds + expirationSeconds,
    iat: nowSeconds,
    iss: issuer,
    jti: randomUUID(),
    "kubernetes.io": {
      namespace,
      ...(request.pod !== undefined && podClaims(store, { namespace, name: request.pod })),
      serviceaccount: { name: serviceAccount, uid: account.metadata.uid },
    },
    nbf: nowSeconds,
    sub: serviceAccountUsername(namespace, serviceAccount),
  };
}

function podClaims(store: Registry, ref: PodRef) {
  const pod = store.get("pods", ref.namespace, ref.name);
  if (pod === undefined) throw notFound("pods", ref.name);
  const node = pod.spec?.nodeName === undefined ? undefined : store.get("nodes", "", pod.spec.nodeName);
  return {
    ...(node && { node: { name: node.metadata.name, uid: node.metadata.uid } }),
    pod: { name: pod.metadata.name, uid: pod.metadata.uid },
  };
}

const notFound = (resource: string, name: string) =>
  new StatusError("NotFound", `${resource} "${name}" not found`, { name, kind: resource });

function isLive(store: Registry, claims: Claims, nowMs: number): boolean {
  if (claims.exp * 1000 <= nowMs) return false;
  const { namespace, serviceaccount, pod } = claims["kubernetes.io"];
  if (store.get("serviceaccounts", namespace, serviceaccount.name)?.metadata.uid !== serviceaccount.uid) return false;
  return pod === undefined || store.get("pods", namespace, pod.name)?.metadata.uid === pod.uid;
}

function userOf(claims: Claims): UserInfo {
  const { namespace, serviceaccount, pod, node } = claims["kubernetes.io"];
  const extra: Record<string, readonly string[]> = {
    "authentication.kubernetes.io/credential-id": [`JTI=${claims.jti}`],
  };
  if (node !== undefined) {
    extra["authentication.kubernetes.io/node-name"] = [node.name];
    extra["authentication.kubernetes.io/node-uid"] = [node.uid];
  }
  if (pod !== undefined) {
    extra["authentication.kubernetes.io/pod-name"] = [pod.name];
    extra["authentication.kubernetes.io/pod-uid"] = [pod.uid];
  }
  const groups = withAuthenticated(serviceAccountGroups(namespace));
  return { username: claims.sub, uid: serviceaccount.uid, groups, extra };
}

/** Compares in constant time; the length is no secret, since every cluster's token has the same. */
function sameSecret(secret: string): (candidate: string) => boolean {
  const expected = Buffer.from(secret);
  return (candidate) => {
    const bytes = Buffer.from(candidate);
    return bytes.length === expected.length && timingSafeEqual(bytes, expected);
  };
}
