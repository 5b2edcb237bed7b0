/** Counts requests for `/metrics`, in Prometheus' text format and under Kubernetes' names. */

export interface RequestCounters {
  count(verb: string, resource: string, code: number): void;
  /** Returns the function that ends the watch's count. */
  watching(): () => void;
  render(): string;
}

export function createRequestCounters(): RequestCounters {
  const totals = new Map<string, number>();
  let watchers = 0;
  return {
    count(verb, resource, code) {
      const key = `verb="${verb}",resource="${resource}",code="${code}"`;
      totals.set(key, (totals.get(key) ?? 0) + 1);
    },
    watching() {
      watchers += 1;
      return () => {
        watchers -= 1;
      };
    },
    render: () => [...requestLines(totals), ...gauges(watchers), ""].join("\n"),
  };
}

const requestLines = (totals: ReadonlyMap<string, number>): string[] => [
  "# HELP apiserver_request_total Counter of apiserver requests broken out for each verb, resource and code.",
  "# TYPE apiserver_request_total counter",
  ...[...totals].map(([labels, count]) => `apiserver_request_total{${labels}} ${count}`),
];

const gauges = (watchers: number): string[] => [
  "# HELP apiserver_longrunning_requests Number of active watches.",
  "# TYPE apiserver_longrunning_requests gauge",
  `apiserver_longrunning_requests{verb="WATCH"} ${watchers}`,
  "# HELP process_resident_memory_bytes Resident memory size in bytes.",
  "# TYPE process_resident_memory_bytes gauge",
  `process_resident_memory_bytes ${process.memoryUsage.rss()}`,
  "# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.",
  "# TYPE process_cpu_seconds_total counter",
  `process_cpu_seconds_total ${(process.cpuUsage().user + process.cpuUsage().system) / 1e6}`,
];
