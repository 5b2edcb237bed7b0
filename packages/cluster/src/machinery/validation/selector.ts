/** Rules of label selectors, wherever a kind has one. */
import { items } from "../defaults/fill.ts";
import type { ApiObject } from "../types.ts";
import { type FieldError, forbidden, invalid, required } from "./field-error.ts";
import { validateLabels } from "./metadata.ts";
import { labelValueProblems, qualifiedNameProblems } from "./names.ts";
import { each, isSet } from "./rules.ts";

export const validateSelector = (path: string, selector: ApiObject = {}): FieldError[] => [
  ...validateLabels(`${path}.matchLabels`, selector.matchLabels),
  ...each(`${path}.matchExpressions`, items(selector.matchExpressions), validateExpression),
];

function validateExpression(path: string, { key, operator, values }: ApiObject): FieldError[] {
  return [
    ...operatorErrors(path, operator, values),
    ...qualifiedNameProblems(String(key ?? "")).map((problem) => invalid(`${path}.key`, key ?? "", problem)),
    ...((values as unknown[] | undefined) ?? []).flatMap((value, index) =>
      labelValueProblems(String(value)).map((problem) => invalid(`${path}.values[${index}]`, value, problem)),
    ),
  ];
}

function operatorErrors(path: string, operator: unknown, values: unknown): FieldError[] {
  if (operator === "In" || operator === "NotIn")
    return isSet(values) ? [] : [required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'")];
  if (operator === "Exists" || operator === "DoesNotExist")
    return isSet(values)
      ? [forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")]
      : [];
  return [invalid(`${path}.operator`, operator ?? "", "not a valid selector operator")];
}
