/** Chooses the form of an answer from the Accept header. Everything here is JSON; protobuf is answered with JSON, which clients accept. */
import { StatusError } from "../../machinery/errors.ts";

export type AnswerForm = "object" | "table" | "partial";

/** For headers that say nothing of forms, the common case, without parsing. */
const plain = new Set([undefined, "", "*/*", "application/json", "application/json, */*"]);
const accepted = new Set([
  "application/json",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
  "application/*",
  "*/*",
]);
const forms: Readonly<Record<string, AnswerForm>> = {
  Table: "table",
  PartialObjectMetadata: "partial",
  PartialObjectMetadataList: "partial",
};

/** Throws NotAcceptable when nothing that is asked for can be served. */
export function negotiate(accept: string | undefined): AnswerForm {
  if (plain.has(accept)) return "object";
  for (const clause of accept?.split(",") ?? []) {
    const [type = "", ...parameters] = clause.split(";").map((part) => part.trim());
    if (!accepted.has(type.toLowerCase())) continue;
    const as = parameters.find((parameter) => parameter.startsWith("as="))?.slice(3);
    if (as === undefined) return "object";
    const form = forms[as];
    if (form !== undefined && parameters.includes("g=meta.k8s.io")) return form;
  }
  throw notAcceptable();
}

const notAcceptable = () =>
  new StatusError(
    "NotAcceptable",
    "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf",
  );
