import type { Pod } from "kubernetes-types/core/v1.js";

/** Whether the pod's condition `Ready` is true. A pod that is being deleted may still be ready. */
export const isPodReady = ({ status }: Pod): boolean =>
  status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false;
