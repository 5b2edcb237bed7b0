/** An API server on a free loopback port over an in-memory store, with a kubelet that does nothing. */
import { Readable } from "node:stream";
import { openTokens, type Tokens } from "../../src/apiserver/auth/tokens.ts";
import { openModels } from "../../src/apiserver/discovery/models.ts";
import { openPki, type Pki } from "../../src/apiserver/pki/pki.ts";
import { type ApiServer, type ApiServerOptions, startApiServer } from "../../src/apiserver/server.ts";
import type { Kubelet } from "../../src/kubelet/types.ts";
import { systemClock } from "../../src/machinery/clock.ts";
import { StatusError } from "../../src/machinery/errors.ts";
import { schemasOfModels } from "../../src/machinery/fields/models.ts";
import { openStore } from "../../src/machinery/open-store.ts";
import type { ApiStore } from "../../src/machinery/store.ts";
import type { AddressPlan, AddressRange } from "../../src/network/types.ts";

const range = (prefix: string): AddressRange => ({
  size: 200,
  at: (index) => `${prefix}.${index + 1}`,
  contains: (address) => address.startsWith(`${prefix}.`),
});

export const testPlan: AddressPlan = {
  apiServer: "127.0.0.1",
  dns: "127.77.0.10",
  dnsPort: 5353,
  domain: "cluster.local",
  node: (index) => `127.77.1.${index + 1}`,
  pods: range("127.77.16"),
  services: range("127.77.128"),
  loadBalancers: range("127.77.240"),
};

const refuse = async (): Promise<never> => {
  throw new StatusError("NotFound", "no pod runs here");
};

export const idleKubelet: Kubelet = {
  logs: async () => Readable.from(["one\n", "two\n"]),
  exec: refuse,
  attach: refuse,
  dial: refuse,
  usage: async () => [{ name: "main", cpuNanoCores: 12_000_000, memoryBytes: 20 * 1024 * 1024 }],
  start: async () => {},
  stop: async () => {},
};

export interface Fixture {
  readonly store: ApiStore;
  readonly pki: Pki;
  readonly tokens: Tokens;
  readonly server: ApiServer;
  stop(): Promise<void>;
}

export async function startFixture(
  options: Partial<ApiServerOptions> = {},
  storeOptions: { readonly historyLimit?: number } = {},
): Promise<Fixture> {
  const clock = options.clock ?? systemClock;
  const store = await openStore({ plan: testPlan, clock, schemas: schemasOfModels(openModels()), ...storeOptions });
  const pki = await openPki();
  const tokens = openTokens({ pki, store, clock });
  const server = await startApiServer({
    store,
    kubelet: idleKubelet,
    pki,
    tokens,
    plan: testPlan,
    clock,
    port: 0,
    ...options,
  });
  const stop = async () => {
    await server.stop();
    await store.close();
  };
  return { store, pki, tokens, server, stop };
}
