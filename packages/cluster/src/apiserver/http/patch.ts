import { StatusError } from "../../machinery/errors.ts";
import { isObject } from "../../machinery/json.ts";
import { jsonSyntaxError } from "../../machinery/json-error.ts";
import type { PatchType } from "../../machinery/store.ts";
import { mediaType, parseYaml, unsupportedMediaType } from "./body.ts";
import { invalidOption } from "./options.ts";
import { isTrue } from "./request-info.ts";

const patchTypes: Readonly<Record<string, PatchType>> = {
  "application/json-patch+json": "json",
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
  "application/apply-patch+yaml": "apply",
};

export interface Patch {
  readonly type: PatchType;
  readonly body: unknown;
}

/** Parses a patch by its content type. Rejects with UnsupportedMediaType, BadRequest, or Invalid for options that do not fit the type. */
export async function parsePatch(
  bytes: Buffer,
  contentType: string | undefined,
  query: URLSearchParams,
): Promise<Patch> {
  const name = mediaType(contentType);
  const type = patchTypes[name];
  if (type === undefined) throw unsupportedMediaType(name, Object.keys(patchTypes));
  checkOptions(type, query);
  const body = type === "apply" ? await parseYaml(bytes, "the applied object") : parseJsonPatch(bytes);
  if (type === "json" ? !Array.isArray(body) : !isObject(body)) throw malformed(type);
  return { type, body };
}

function checkOptions(type: PatchType, query: URLSearchParams): void {
  if (type === "apply" && !query.get("fieldManager")) {
    throw invalidOption("PatchOptions", "fieldManager", "Required value", "is required for apply patch");
  }
  if (type !== "apply" && isTrue(query.get("force"))) {
    throw invalidOption("PatchOptions", "force", "Forbidden", "may not be specified for non-apply patch");
  }
}

function parseJsonPatch(bytes: Buffer): unknown {
  const text = bytes.toString("utf8");
  try {
    return JSON.parse(text);
  } catch {
    throw new StatusError("BadRequest", `error decoding patch: ${jsonSyntaxError(text)}`);
  }
}

const malformed = (type: PatchType) =>
  new StatusError(
    "BadRequest",
    type === "json"
      ? "error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch"
      : "error decoding patch: the patch is not an object",
  );
