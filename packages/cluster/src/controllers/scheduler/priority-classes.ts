import { systemPriorityClasses } from "../../machinery/defaults/priority.ts";
import { isStatus } from "../../machinery/errors.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { watchOnce } from "../harness/watch.ts";

/** Makes sure of the classes that every cluster has. */
export function priorityClassController({ store }: ControllerContext): Controller {
  return {
    name: "priorityclass-controller",
    watches: [watchOnce(...systemPriorityClasses.map(({ metadata }) => `/${metadata?.name}`))],
    async reconcile({ name }) {
      const wanted = systemPriorityClasses.find(({ metadata }) => metadata?.name === name);
      if (wanted) await store.create("priorityclasses.scheduling.k8s.io", structuredClone(wanted)).catch(unlessPresent);
      return undefined;
    },
  };
}

function unlessPresent(error: unknown): void {
  if (!isStatus(error, "AlreadyExists")) throw error;
}
