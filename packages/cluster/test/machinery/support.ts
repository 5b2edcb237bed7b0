import type { Pod } from "kubernetes-types/core/v1.js";
import { openStore } from "../../src/machinery/open-store.ts";
import type { ApiStore } from "../../src/machinery/store.ts";
import type { Clock } from "../../src/machinery/types.ts";
import type { AddressPlan, AddressRange } from "../../src/network/types.ts";

const range = (third: number): AddressRange => ({
  size: 1000,
  at: (index) => `127.9.${third + Math.floor(index / 250)}.${1 + (index % 250)}`,
  contains: (address) => address.startsWith("127.9."),
});

export const plan: AddressPlan = {
  apiServer: "127.9.0.1",
  dns: "127.9.0.10",
  dnsPort: 5353,
  domain: "cluster.local",
  node: (index) => `127.9.1.${index + 1}`,
  pods: range(16),
  services: range(128),
  loadBalancers: range(240),
};

/** A clock that stands still until `advance`. */
export function manualClock(start = Date.UTC(2026, 0, 2, 3, 4, 5)) {
  let now = start;
  const timers = new Set<{ at: number; callback: () => void }>();
  const clock: Clock = {
    now: () => now,
    after(ms, callback) {
      const timer = { at: now + ms, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  };
  const advance = (ms: number) => {
    now += ms;
    for (const timer of [...timers]) if (timer.at <= now && timers.delete(timer)) timer.callback();
  };
  return { clock, advance };
}

export const openTestStore = (): Promise<ApiStore> => openStore({ plan, clock: manualClock().clock });

export const descriptor = (store: ApiStore, key: string) => {
  const found = store.descriptors().find(({ group, plural }) => (group ? `${plural}.${group}` : plural) === key);
  if (!found) throw new Error(`no resource ${key}`);
  return found;
};

export const configMap = (name: string, data: Record<string, string> = {}, namespace = "default") => ({
  metadata: { name, namespace },
  data,
});

export const pod = (name: string, spec: Partial<Pod["spec"]> = {}): Pod => ({
  metadata: { name, namespace: "default" },
  spec: { containers: [{ name: "main", image: "busybox" }], ...spec },
});
