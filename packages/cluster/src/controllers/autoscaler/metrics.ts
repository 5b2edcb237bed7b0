/** Where the autoscaler learns what pods use. */
export interface MetricsSource {
  /** Usage of a running pod over all its containers; undefined while nothing was measured. */
  usage(namespace: string, pod: string): { readonly cpuMillis: number; readonly memoryBytes: number } | undefined;
}
