import { eventLifetimeMs } from "../../machinery/events.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { parseTime } from "../harness/time.ts";
import { type ObjectKey, watchSelf } from "../harness/watch.ts";

/** Removes events an hour after they were last seen. */
export function eventExpiryController({ store, clock }: ControllerContext): Controller {
  async function reconcile({ namespace, name }: ObjectKey): Promise<number | undefined> {
    const event = store.get("events", namespace, name);
    if (!event) return undefined;
    const lastSeen = event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? undefined;
    const leftMs = (parseTime(lastSeen ?? event.metadata.creationTimestamp) ?? 0) + eventLifetimeMs - clock.now();
    if (leftMs > 0) return leftMs;
    await store.delete("events", namespace, name);
    return undefined;
  }

  return { name: "event-ttl-controller", watches: [watchSelf("events")], reconcile };
}
