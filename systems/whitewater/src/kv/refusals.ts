/** What a request is refused with: our code, gRPC's status, and etcd's message, which its clients compare word by word. */
import { WhitewaterError } from "../errors.ts";

/** gRPC's status codes. */
export const grpc = {
  ok: 0,
  canceled: 1,
  unknown: 2,
  invalid: 3,
  deadline: 4,
  notFound: 5,
  exists: 6,
  denied: 7,
  exhausted: 8,
  precondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

export const refusals = {
  "empty-key": [grpc.invalid, "etcdserver: key is not provided"],
  "key-not-found": [grpc.invalid, "etcdserver: key not found"],
  "value-provided": [grpc.invalid, "etcdserver: value is provided"],
  "lease-provided": [grpc.invalid, "etcdserver: lease is provided"],
  "too-many-ops": [grpc.invalid, "etcdserver: too many operations in txn request"],
  "duplicate-key": [grpc.invalid, "etcdserver: duplicate key given in txn request"],
  "invalid-sort": [grpc.invalid, "etcdserver: invalid sort option"],
  compacted: [grpc.outOfRange, "etcdserver: mvcc: required revision has been compacted"],
  "future-revision": [grpc.outOfRange, "etcdserver: mvcc: required revision is a future revision"],
  "no-space": [grpc.exhausted, "etcdserver: mvcc: database space exceeded"],
  "lease-not-found": [grpc.notFound, "etcdserver: requested lease not found"],
  "lease-exists": [grpc.precondition, "etcdserver: lease already exists"],
  "lease-ttl-too-large": [grpc.outOfRange, "etcdserver: too large lease TTL"],
  "member-exists": [grpc.precondition, "etcdserver: member ID already exist"],
  "peer-url-exists": [grpc.precondition, "etcdserver: Peer URLs already exists"],
  "member-not-enough-started": [
    grpc.precondition,
    "etcdserver: re-configuration failed due to not enough started members",
  ],
  "member-bad-urls": [grpc.invalid, "etcdserver: given member URLs are invalid"],
  "member-not-found": [grpc.notFound, "etcdserver: member not found"],
  "member-not-learner": [grpc.precondition, "etcdserver: can only promote a learner member"],
  "learner-not-ready": [
    grpc.precondition,
    "etcdserver: can only promote a learner member which is in sync with leader",
  ],
  "request-too-large": [grpc.invalid, "etcdserver: request is too large"],
  // Of etcd, which bounds no answer, there are no words for it.
  "answer-too-large": [
    grpc.exhausted,
    "whitewater: the answer is larger than 64 MiB; ask for less at once, with a limit",
  ],
  "too-many-requests": [grpc.exhausted, "etcdserver: too many requests"],
  // etcd ends its process at it.
  "unknown-alarm": [grpc.invalid, "whitewater: there is no such alarm, or nothing such can be done with it"],
  "auth-not-enabled": [grpc.precondition, "etcdserver: authentication is not enabled"],
  "root-user-not-exist": [grpc.precondition, "etcdserver: root user does not exist"],
  "no-leader": [grpc.unavailable, "etcdserver: no leader"],
  "not-leader": [grpc.precondition, "etcdserver: not leader"],
  "leader-changed": [grpc.unavailable, "etcdserver: leader changed"],
  "bad-leader-transferee": [grpc.precondition, "etcdserver: bad leader transferee"],
  stopped: [grpc.unavailable, "etcdserver: server stopped"],
  timeout: [grpc.unavailable, "etcdserver: request timed out"],
  unhealthy: [grpc.unavailable, "etcdserver: unhealthy cluster"],
  corrupt: [15, "etcdserver: corrupt cluster"],
  canceled: [grpc.canceled, "etcdserver: request canceled"],
  malformed: [grpc.internal, "grpc: error while unmarshalling request"],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

export type Refusal = keyof typeof refusals;

export const refuse = (refusal: Refusal, options?: ErrorOptions): WhitewaterError =>
  new WhitewaterError(refusal, refusals[refusal][1], options);

export const isRefusal = (code: string): code is Refusal => code in refusals;
