/**
 * `/healthz`, `/livez` and `/readyz`, whole, check by check (`/readyz/etcd`), told at length (`?verbose`) or without some (`?exclude=`). The
 * checks have the names that Kubernetes gives them; those of parts that this cluster does not have are not pretended.
 */
import type { ApiContext, Call } from "./context.ts";
import { noSuchRoute } from "./http/refusals.ts";
import { sendText } from "./http/respond.ts";

type Check = (context: ApiContext) => boolean;

const always: Check = () => true;

const shared: Readonly<Record<string, Check>> = {
  ping: always,
  log: always,
  etcd: ({ store }) => Number(store.resourceVersion) > 0,
  "poststarthook/start-system-namespaces-controller": ({ store }) =>
    store.get("namespaces", "", "kube-system") !== undefined,
  "poststarthook/rbac/bootstrap-roles": ({ store }) =>
    store.get("clusterroles.rbac.authorization.k8s.io", "", "cluster-admin") !== undefined,
};

/** A server that stops serves what is under way, and wants no more. */
const shutdown: Check = ({ stopping }) => !stopping.aborted;

const checksOf: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  healthz: shared,
  livez: shared,
  readyz: { ...shared, shutdown },
};

export const isHealthPath = (first: string | undefined): first is string =>
  first !== undefined && Object.hasOwn(checksOf, first);

/** The handler for all checks of an endpoint, or for one of them. Throws NotFound for a check that there is not. */
export const health =
  (endpoint: string, only = "") =>
  (context: ApiContext, { response, info: { query } }: Call): void => {
    const all = checksOf[endpoint] ?? {};
    if (only !== "" && !Object.hasOwn(all, only)) throw noSuchRoute();
    const excluded = new Set(query.getAll("exclude"));
    const chosen = Object.entries(all).filter(([name]) => (only === "" ? !excluded.has(name) : name === only));
    const outcomes = chosen.map(([name, check]) => ({ name, isOk: check(context) }));
    const isOk = outcomes.every((outcome) => outcome.isOk);
    const isBrief = isOk && !query.has("verbose");
    const skipped = [...excluded].filter((name) => Object.hasOwn(all, name)).map((name) => `[+]${name} excluded: ok`);
    const lines = [...outcomes.map(lineOf), ...skipped, `${endpoint} check ${isOk ? "passed" : "failed"}`, ""];
    sendText(response, isOk ? 200 : 500, isBrief ? "ok" : lines.join("\n"));
  };

const lineOf = ({ name, isOk }: { name: string; isOk: boolean }): string =>
  isOk ? `[+]${name} ok` : `[-]${name} failed: reason withheld`;
