/** What a webhook answered, read with suspicion. Pure. */
import { ForeignStatusError, StatusError } from "../errors.ts";
import { isObject, type JsonObject, jsonClone } from "../json.ts";
import { applyJsonPatch } from "../patch/json-patch.ts";
import type { ApiObject } from "../types.ts";

export interface Verdict {
  readonly warnings: readonly string[];
  /** Undefined when the webhook leaves the object as it is. */
  readonly object: ApiObject | undefined;
}

/** The versions of AdmissionReview that exist, in the order in which they are preferred. */
const versions = ["v1", "v1beta1"];

export const reviewOf = (request: JsonObject, accepted: readonly string[]): ApiObject => ({
  apiVersion: `admission.k8s.io/${versions.find((version) => accepted.includes(version)) ?? "v1"}`,
  kind: "AdmissionReview",
  request,
});

/** Throws what the webhook refused with, or InternalError for an answer that is none. */
export function readVerdict(hook: string, review: ApiObject, answer: ApiObject, subject?: ApiObject): Verdict {
  const { response } = answer;
  const about = `webhook ${JSON.stringify(hook)}`;
  if (!isObject(response)) throw unreadable(about, "webhook response was absent");
  if (response.uid !== review.request.uid)
    throw unreadable(
      about,
      `expected response.uid=${JSON.stringify(review.request.uid)}, got ${JSON.stringify(response.uid ?? "")}`,
    );
  if (response.allowed !== true) throw denied(hook, isObject(response.status) ? response.status : {});
  const warnings = Array.isArray(response.warnings) ? response.warnings.map(String) : [];
  return {
    warnings,
    object: subject && typeof response.patch === "string" ? patched(about, subject, response) : undefined,
  };
}

function patched(about: string, subject: ApiObject, { patch, patchType }: ApiObject): ApiObject {
  if (patchType !== "JSONPatch") throw unreadable(about, `unsupported patch type ${JSON.stringify(patchType ?? "")}`);
  try {
    const operations = JSON.parse(Buffer.from(patch, "base64").toString("utf8"));
    return applyJsonPatch(jsonClone(subject), operations) as ApiObject;
  } catch (error) {
    throw unreadable(about, `its patch does not apply: ${(error as Error).message}`);
  }
}

const unreadable = (about: string, why: string) =>
  new StatusError("InternalError", `received invalid webhook response: ${about}: ${why}`);

const leastRefusal = 400;

function denied(hook: string, { code, reason = "", message = "", details }: ApiObject): StatusError {
  const why = message || reason;
  const begin = `admission webhook ${JSON.stringify(hook)} denied the request`;
  return new ForeignStatusError({
    code: Math.max(Number(code) || 0, leastRefusal),
    reason,
    message: why ? `${begin}: ${why}` : `${begin} without explanation`,
    details,
  });
}
