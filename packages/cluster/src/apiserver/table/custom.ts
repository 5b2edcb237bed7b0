/** Printers of custom resources: the `additionalPrinterColumns` of their definition. */

import { keyOfResource } from "../../machinery/resources/row.ts";
import type { ResourceDescriptor } from "../../machinery/store.ts";
import type { ApiObject, Registry } from "../../machinery/types.ts";
import { ageColumn, column, nameColumn, type PrinterColumn, printer } from "./columns.ts";
import { since } from "./duration.ts";
import { readJsonPath } from "./jsonpath.ts";
import type { Cell, Column, Printer } from "./table.ts";

interface AdditionalColumn {
  readonly name: string;
  readonly type: Column["type"];
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
  readonly jsonPath: string;
}

interface Definition {
  readonly spec: { readonly versions: readonly { name: string; additionalPrinterColumns?: AdditionalColumn[] }[] };
}

const byDefinition = new WeakMap<object, Map<string, Printer>>();

/** Undefined for what no CustomResourceDefinition defines. */
export function customPrinter(store: Registry, resource: ResourceDescriptor): Printer | undefined {
  const definition = store.get("customresourcedefinitions.apiextensions.k8s.io", "", keyOfResource(resource));
  if (definition === undefined) return undefined;
  let printers = byDefinition.get(definition);
  if (printers === undefined) {
    printers = printersOf(definition as unknown as Definition);
    byDefinition.set(definition, printers);
  }
  return printers.get(resource.version);
}

const printersOf = ({ spec }: Definition): Map<string, Printer> =>
  new Map(
    spec.versions.map(({ name, additionalPrinterColumns = [] }) => [
      name,
      printer<ApiObject>(
        ...(additionalPrinterColumns.length === 0
          ? [nameColumn, ageColumn]
          : [nameColumn, ...additionalPrinterColumns.map(toColumn)]),
      ),
    ]),
  );

const toColumn = ({ name, jsonPath, ...rest }: AdditionalColumn): PrinterColumn<ApiObject> =>
  column(name, (object, now) => toCell(readJsonPath(object, jsonPath), rest.type, now), rest);

function toCell(values: readonly unknown[], type: Column["type"], now: number): Cell {
  const [value] = values;
  if (value === undefined || value === null) return type === "date" ? "<unknown>" : null;
  if (type === "date") return since(String(value), now);
  if (type === "string")
    return values.map((each) => (typeof each === "string" ? each : JSON.stringify(each))).join(",");
  return typeof value === "object" ? JSON.stringify(value) : (value as Cell);
}
