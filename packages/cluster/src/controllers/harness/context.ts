import type { EventRecorder } from "../../machinery/events.ts";
import type { ApiStore } from "../../machinery/store.ts";
import type { Clock } from "../../machinery/types.ts";
import type { ControllerOptions } from "../options.ts";

/** What every controller is built from. */
export interface ControllerContext {
  readonly store: ApiStore;
  readonly clock: Clock;
  readonly record: EventRecorder;
  /** PEM of the cluster's root certificates, published to every namespace. */
  readonly caPem: string;
  readonly options: ControllerOptions;
}
