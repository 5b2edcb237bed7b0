import { keyOfResource } from "../../machinery/resources/row.ts";
import type { ResourceDescriptor, ResourceKey } from "../../machinery/store.ts";
import type { Registry } from "../../machinery/types.ts";
import { createdColumn, nameColumn, printer } from "./columns.ts";
import { customPrinter } from "./custom.ts";
import { accessPrinters } from "./printers/access.ts";
import { clusterPrinters } from "./printers/cluster.ts";
import { computedPrinters } from "./printers/computed.ts";
import { configPrinters } from "./printers/config.ts";
import { extensionPrinters } from "./printers/extensions.ts";
import { faultPrinters } from "./printers/faults.ts";
import { networkPrinters } from "./printers/network.ts";
import { podPrinters } from "./printers/pods.ts";
import { storagePrinters } from "./printers/storage.ts";
import { workloadPrinters } from "./printers/workloads.ts";
import type { Printer } from "./table.ts";

const printers: Readonly<Record<ResourceKey, Printer>> = {
  ...podPrinters,
  ...workloadPrinters,
  ...networkPrinters,
  ...storagePrinters,
  ...configPrinters,
  ...accessPrinters,
  ...clusterPrinters,
  ...computedPrinters,
  ...extensionPrinters,
  ...faultPrinters,
};

/** For kinds that nobody described. */
const plain = printer(nameColumn, createdColumn);

/** How a resource is shown: by its own rows, by its CustomResourceDefinition's columns, or by name and date. */
export function printerFor(store: Registry, resource: ResourceDescriptor): Printer {
  const key = keyOfResource(resource);
  return printers[key] ?? customPrinter(store, resource) ?? plain;
}
