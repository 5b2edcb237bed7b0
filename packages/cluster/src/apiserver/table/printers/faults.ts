import type { Fault } from "../../../faults/types.ts";
import { ageColumn, column, firstThree, nameColumn, none, printer } from "../columns.ts";

export const faultPrinters = {
  "faults.faults.coracle.dev": printer<Fault>(
    nameColumn,
    column("Kind", ({ spec }) => spec?.kind ?? ""),
    column("Phase", ({ status }) => status?.phase ?? "Pending"),
    column("Affected", ({ status }) => firstThree(status?.affected ?? []) || none),
    ageColumn,
  ),
};
