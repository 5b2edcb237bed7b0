import type { Kubelet } from "../../kubelet/types.ts";

/** Where the autoscaler learns what pods use: the kubelet is one. */
export type MetricsSource = Pick<Kubelet, "usage">;
