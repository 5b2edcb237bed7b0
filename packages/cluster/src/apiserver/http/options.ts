/** Reads the options that Kubernetes takes from the query string (and, for deletions, from the body). */
import { StatusError } from "../../machinery/errors.ts";
import { isObject } from "../../machinery/json.ts";
import type { PageOptions, RequestOptions, WatchOptions } from "../../machinery/store.ts";
import type { DeleteOptions } from "../../machinery/types.ts";
import { isTrue } from "./request-info.ts";

const maxManagerLength = 128;

/** The same values, where only those that are present make it into the result. */
function present<T extends object>(values: { [K in keyof T]: T[K] | null | undefined }): T {
  const result: Partial<T> = {};
  for (const key in values) {
    const value = values[key];
    if (value !== null && value !== undefined) result[key] = value as T[typeof key];
  }
  return result as T;
}

export function listOptions(query: URLSearchParams, namespace: string): PageOptions {
  if (query.size === 0) return namespace === "" ? {} : { namespace };
  return present<PageOptions>({
    namespace: namespace || undefined,
    labelSelector: query.get("labelSelector") || undefined,
    fieldSelector: query.get("fieldSelector") || undefined,
    limit: integer(query, "limit"),
    continueToken: query.get("continue") || undefined,
    resourceVersion: query.get("resourceVersion") || undefined,
    resourceVersionMatch: (query.get("resourceVersionMatch") || undefined) as PageOptions["resourceVersionMatch"],
  });
}

export const watchOptions = (query: URLSearchParams, namespace: string): WatchOptions =>
  present<WatchOptions>({
    namespace: namespace || undefined,
    labelSelector: query.get("labelSelector") || undefined,
    fieldSelector: query.get("fieldSelector") || undefined,
    resourceVersion: query.get("resourceVersion") || undefined,
    allowBookmarks: isTrue(query.get("allowWatchBookmarks")),
    sendInitialEvents: isTrue(query.get("sendInitialEvents")) || undefined,
  });

/** A whole number of the query; undefined when absent. Throws BadRequest for anything else. */
export function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new StatusError("BadRequest", `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** `kind` names the options in refusals: CreateOptions, UpdateOptions, PatchOptions. */
export function writeOptions(query: URLSearchParams, userAgent: string | undefined, kind: string): RequestOptions {
  const fieldManager = (query.size > 0 && query.get("fieldManager")) || managerOf(userAgent);
  if (query.size === 0) return { fieldManager };
  return present<RequestOptions>({
    fieldManager,
    dryRun: dryRun(query.getAll("dryRun"), kind),
    fieldValidation: oneOf(
      query.get("fieldValidation"),
      ["Ignore", "Strict", "Warn"] as const,
      "fieldValidation",
      kind,
    ),
    force: isTrue(query.get("force")) || undefined,
  });
}

/** Who wrote, when the request does not say: the program's name at the start of User-Agent. */
function managerOf(userAgent: string | undefined): string {
  const name = userAgent?.split("/", 1)[0] ?? "";
  return name.slice(0, maxManagerLength) || "unknown";
}

function dryRun(stages: readonly string[], kind: string): true | undefined {
  for (const stage of stages) oneOf(stage, ["All"] as const, "dryRun", kind);
  return stages.some((stage) => stage !== "") ? true : undefined;
}

function oneOf<T extends string>(
  value: string | null,
  allowed: readonly T[],
  field: string,
  kind: string,
): T | undefined {
  if (value === null || value === "") return undefined;
  const found = allowed.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  const supported = allowed.map((each) => JSON.stringify(each)).join(", ");
  throw invalidOption(kind, field, `Unsupported value: ${JSON.stringify(value)}`, `supported values: ${supported}`);
}

export function invalidOption(kind: string, field: string, what: string, why: string): StatusError {
  const message = `${what}: ${why}`;
  const details = { group: "meta.k8s.io", kind, causes: [{ reason: "FieldValueInvalid", message, field }] };
  return new StatusError("Invalid", `${kind}.meta.k8s.io "" is invalid: ${field}: ${message}`, details);
}

const policies = ["Background", "Foreground", "Orphan"] as const;

/** From the body when there is one, otherwise from the query. */
export function deleteOptions(query: URLSearchParams, body: unknown): DeleteOptions {
  const given = isObject(body) ? body : undefined;
  const orphan = given?.orphanDependents ?? booleanOf(query.get("orphanDependents"));
  const stages = (given?.dryRun as string[] | undefined) ?? query.getAll("dryRun");
  const policy = (given?.propagationPolicy as string | undefined) ?? query.get("propagationPolicy");
  return present<DeleteOptions>({
    propagationPolicy: oneOf(policy, policies, "propagationPolicy", "DeleteOptions") ?? legacyPolicy(orphan),
    gracePeriodSeconds: (given?.gracePeriodSeconds as number | undefined) ?? integer(query, "gracePeriodSeconds"),
    preconditions: given?.preconditions as DeleteOptions["preconditions"],
    dryRun: dryRun(stages, "DeleteOptions"),
  });
}

const booleanOf = (value: string | null): boolean | undefined => (value === null ? undefined : isTrue(value));

const legacyPolicy = (orphanDependents: unknown): DeleteOptions["propagationPolicy"] =>
  orphanDependents === true ? "Orphan" : orphanDependents === false ? "Background" : undefined;
