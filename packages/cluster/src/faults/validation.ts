/** Refuses faults that make no sense, in the words of the table. */
import { isObject } from "../machinery/json.ts";
import { parseSelector } from "../machinery/selectors.ts";
import type { ApiObject } from "../machinery/types.ts";
import { type FieldError, forbidden, invalid, notSupported, required } from "../machinery/validation/field-error.ts";
import { immutable } from "../machinery/validation/rules.ts";
import type { Parameters } from "./parameter.ts";
import { commonParameters, type FaultRow, faultKinds, findFaultRow } from "./table.ts";

export function validateFault({ spec }: ApiObject): readonly FieldError[] {
  if (!isObject(spec)) return [required("spec")];
  const { kind, ...values } = spec;
  const row = findFaultRow(kind);
  if (row === undefined)
    return [kind === undefined ? required("spec.kind") : notSupported("spec.kind", kind, faultKinds)];
  const parameters: Parameters = { ...commonParameters, ...row.parameters };
  return [...checkValues(values, parameters), ...checkAim(row, values), ...checkSelectors(values)];
}

export const validateFaultUpdate = ({ spec }: ApiObject, old: ApiObject): readonly FieldError[] =>
  immutable("spec", spec, old.spec, "a fault cannot be changed; delete it and create another");

function checkValues(values: Readonly<Record<string, unknown>>, parameters: Parameters): FieldError[] {
  const unknown = Object.keys(values)
    .filter((name) => !Object.hasOwn(parameters, name))
    .map((name) => forbidden(`spec.${name}`, `this kind takes ${Object.keys(parameters).join(", ")}`));
  const wrong = Object.entries(parameters).flatMap(([name, { accepts, takes, isRequired, help }]) => {
    const value = values[name];
    if (value === undefined) return isRequired ? [required(`spec.${name}`, help)] : [];
    return accepts(value) ? [] : [invalid(`spec.${name}`, value, `must be ${takes}`)];
  });
  return [...unknown, ...wrong];
}

function checkAim({ aim }: FaultRow<Parameters>, { pods, selector }: Readonly<Record<string, unknown>>): FieldError[] {
  return aim === "pods" && pods === undefined && selector === undefined
    ? [required("spec.pods", "name pods, or select them by spec.selector")]
    : [];
}

function checkSelectors(values: Readonly<Record<string, unknown>>): FieldError[] {
  return ["selector", "fromSelector"].flatMap((name) => {
    const given = values[name];
    if (typeof given !== "string") return [];
    try {
      parseSelector(given);
      return [];
    } catch (error) {
      return [invalid(`spec.${name}`, given, (error as Error).message)];
    }
  });
}
