/** Faults of the API server, each for some clients' calls only. */

import { serviceAccountUsername } from "../../apiserver/auth/user.ts";
import type { Call } from "../../apiserver/context.ts";
import { StatusError, type StatusReason } from "../../machinery/errors.ts";
import type { Registry } from "../../machinery/types.ts";
import { type ApiRule, cut, gone, loseAnswer } from "../api-faults.ts";
import { type Budget, budgetParameters, striker } from "../budget.ts";
import { text, texts } from "../parameter.ts";
import { isAimedAtPods, namespaceOf, type PodTarget, podParameters, podsOf } from "../targets.ts";
import type { FaultWorld, Injected, Named } from "../types.ts";

/** What every fault takes that is aimed at clients of the API. Without any: all clients. */
export const clientParameters = {
  ...podParameters,
  user: text("a user name, such as kubernetes-admin"),
  serviceAccount: text("a service account: its name in `namespace`, or namespace/name"),
  userAgent: text("how the client's User-Agent begins"),
  verbs: texts("only these verbs: get, list, watch, create, update, patch, delete, deletecollection"),
  resources: texts("only these resources, by plural, such as leases"),
  ...budgetParameters,
};

export interface ClientTarget extends PodTarget, Budget {
  readonly user?: string | undefined;
  readonly serviceAccount?: string | undefined;
  readonly userAgent?: string | undefined;
  readonly verbs?: readonly string[] | undefined;
  readonly resources?: readonly string[] | undefined;
}

export function hang(target: ClientTarget, world: FaultWorld): Injected {
  const cleared = new AbortController();
  const over = new Promise<void>((resolve) => cleared.signal.addEventListener("abort", () => resolve()));
  const injected = meet(target, world, async ({ response }) => {
    await Promise.race([gone(response), over]);
    cut(response);
    return false;
  });
  return {
    ...injected,
    undo: () => {
      injected.undo();
      cleared.abort();
    },
  };
}

const reasons: Readonly<Record<number, StatusReason>> = {
  409: "Conflict",
  410: "Expired",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};
export const errorCodes = [409, 410, 429, 500, 503, 504] as const;

export function refuse(
  target: ClientTarget & { readonly code: (typeof errorCodes)[number] },
  world: FaultWorld,
  { name }: Named,
): Injected {
  return meet(target, world, async ({ info }) => {
    const details = { name: info.name, ...(info.group && { group: info.group }), kind: info.resource };
    throw new StatusError(reasons[target.code] ?? "InternalError", `injected by the fault ${name}`, details);
  });
}

export const loseAnswers = (target: ClientTarget, world: FaultWorld): Injected =>
  meet(target, world, async ({ response }) => {
    loseAnswer(response);
    return true;
  });

export function delayCalls(target: ClientTarget & { readonly delayMs: number }, world: FaultWorld): Injected {
  return meet(target, world, async ({ response }) => {
    await Promise.race([after(world, target.delayMs), gone(response)]);
    return !response.destroyed;
  });
}

const defaultWatchMs = 1000;

export function dropWatches(
  target: ClientTarget & { readonly afterMs?: number | undefined },
  world: FaultWorld,
): Injected {
  const { afterMs = defaultWatchMs } = target;
  const isWatch = ({ info }: Call): boolean => info.verb === "watch";
  const injected = meet(
    target,
    world,
    async ({ response }) => {
      const cancel = world.clock.after(afterMs, () => cut(response));
      void gone(response).then(cancel);
      return true;
    },
    isWatch,
  );
  world.api.cutWatches(clientFilter(target, world.store));
  return injected;
}

const after = ({ clock }: FaultWorld, ms: number): Promise<void> =>
  new Promise((resolve) => void clock.after(ms, resolve));

function meet(
  target: ClientTarget,
  { api, store }: FaultWorld,
  strike: ApiRule["strike"],
  also: ApiRule["meets"] = () => true,
): Injected & { undo(): void } {
  const isClient = clientFilter(target, store);
  const strikes = striker(target);
  const undo = api.add({ meets: (call) => isClient(call) && also(call) && strikes(), strike });
  return { affected: [], undo };
}

/** Whether the target takes in the client and the kind of a call. All that is given must fit. */
export function clientFilter(target: ClientTarget, store: Pick<Registry, "list">): (call: Call) => boolean {
  const { user, userAgent, verbs, resources } = target;
  const account = accountOf(target);
  return ({ info, user: { username, extra }, request }) =>
    (user === undefined || username === user) &&
    (account === undefined || username === account) &&
    (userAgent === undefined || (request.headers["user-agent"] ?? "").startsWith(userAgent)) &&
    (verbs === undefined || verbs.includes(info.verb)) &&
    (resources === undefined || resources.includes(info.resource)) &&
    (!isAimedAtPods(target) ||
      isFromPod(target, store, extra?.["authentication.kubernetes.io/pod-uid"]?.[0], request.socket.remoteAddress));
}

function accountOf(target: ClientTarget): string | undefined {
  if (target.serviceAccount === undefined) return undefined;
  const [first = "", second] = target.serviceAccount.split("/");
  return second === undefined
    ? serviceAccountUsername(namespaceOf(target), first)
    : serviceAccountUsername(first, second);
}

/** A pod is known by its token, or by its address where it calls with another. */
const isFromPod = (
  target: PodTarget,
  store: Pick<Registry, "list">,
  uid: string | undefined,
  address: string | undefined,
): boolean =>
  podsOf(store, target).some(({ metadata, status }) =>
    uid === undefined ? status?.podIP === address : metadata.uid === uid,
  );
