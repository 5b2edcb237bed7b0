import { Counter, Gauge, type Registry } from "prom-client";
import type { EventHub } from "./events.ts";
import type { Buckets } from "./limits/buckets.ts";

export interface WebMetrics {
  answered(status: number): void;
  limited(strategy: string): void;
  observe(buckets: Buckets, events: EventHub): void;
}

export function registerWebMetrics(registry: Registry | undefined): WebMetrics {
  const registers = registry ? [registry] : [];
  const answers = new Counter({
    name: "blockchain_web_answers_total",
    help: "Requests answered, by class of status",
    labelNames: ["status"],
    registers,
  });
  const limited = new Counter({
    name: "blockchain_web_limited_total",
    help: "Requests refused by a rate limit",
    labelNames: ["strategy"],
    registers,
  });
  return {
    answered: (status) => answers.inc({ status: `${Math.floor(status / 100)}xx` }),
    limited: (strategy) => limited.inc({ strategy }),
    observe: (buckets, events) => {
      const gauges: readonly (readonly [string, string, () => number])[] = [
        [
          "blockchain_rate_limits_degraded",
          "1 while each webserver counts for itself because Redis is away",
          () => (buckets.degraded === undefined ? 0 : 1),
        ],
        ["blockchain_web_event_clients", "Listeners to events", () => events.clients],
      ];
      for (const [name, help, read] of gauges)
        new Gauge({
          name,
          help,
          registers,
          collect() {
            this.set(read());
          },
        });
    },
  };
}
