import { describe, expect, it } from "vitest";
import { startNodeFlags } from "../../src/cli/start-node.ts";
import { rateText } from "../../src/cli/status.ts";
import { externalHost, hostPort, nodesToDial } from "../../src/node/addresses.ts";
import { readiness } from "../../src/node/health.ts";
import { miningPolicy, miningSetting, noMining } from "../../src/node/mining.ts";

describe("startnode", () => {
  it("says in the original's words what settings say", () => {
    expect(startNodeFlags(["yes", "no", "a:1", "b", "--", "addr"])).toEqual([
      "--node-is-miner",
      "--no-node-is-web-server",
      "--node-connect-nodes",
      "a:1,b",
      "--node-mining-address",
      "addr",
    ]);
    expect(startNodeFlags(["no", "YES"])).toEqual(["--no-node-is-miner", "--node-is-web-server"]);
  });

  it.each([[["yes", "yes", "local"]], [["maybe", "no"]], [[]], [["no", "no", "--", "a", "b"]]])(
    "refuses %j",
    (argv) => {
      expect(() => startNodeFlags(argv)).toThrow();
    },
  );
});

describe("addresses", () => {
  it("are read with and without a port", () => {
    expect(hostPort("a")).toEqual({ host: "a", port: 2001 });
    expect(hostPort("[::1]:5")).toEqual({ host: "::1", port: 5 });
    expect(() => hostPort("a:99999")).toThrow(/host:port/);
  });

  it("of nodes to dial leave out local and oneself", () => {
    const own = { host: "10.0.0.1", port: 2001 };
    expect(nodesToDial("local", "", own)).toEqual([]);
    expect(nodesToDial("10.0.0.1:2001, b:1 c", "d", own).map(({ host }) => host)).toEqual(["b", "c", "d"]);
  });

  it("for others to dial are those of one host", () => {
    expect(externalHost({ host: "0.0.0.0", port: 1 }, undefined)).toBeUndefined();
    expect(externalHost({ host: "0.0.0.0", port: 1 }, "10.1.1.1")).toBe("10.1.1.1");
    expect(externalHost({ host: "127.0.0.1", port: 1 }, undefined)).toBe("127.0.0.1");
  });
});

describe("mining", () => {
  it("goes on always on devnet and on demand on regtest, unless told otherwise", () => {
    expect(miningPolicy({ miningWhen: "default" }, "devnet")).toEqual({ kind: "always" });
    expect(miningPolicy({ miningWhen: "default" }, "regtest")).toBeUndefined();
    expect(miningPolicy({ miningWhen: "transactions" }, "regtest")).toEqual({ kind: "transactions", atLeast: 1 });
    const miner = { miningWhen: "default", nodeIsMiner: true, miningThreads: 1 } as const;
    expect(noMining(miner, "devnet")).toBeUndefined();
    expect(noMining(miner, "regtest")).toContain("on demand only");
    expect(noMining({ ...miner, nodeIsMiner: false }, "devnet")).toContain("no miner");
  });

  it("pays the address of the node, of the Secret, or of the pool by number", () => {
    const none = { nodeMiningAddress: undefined, minerAddress: undefined, walletAddressPool: undefined };
    const rest = { miningWhen: "default", instanceNumber: undefined } as const;
    expect(miningSetting({ ...none, ...rest }, 1)).toBeUndefined();
    expect(miningSetting({ ...none, ...rest, walletAddressPool: "a, b" }, 3)).toBe("b");
    expect(miningSetting({ ...none, ...rest, walletAddressPool: "a,b", minerAddress: "m" }, 3)).toBe("m");
  });
});

describe("readiness", () => {
  const chain = { state: { kind: "running" }, tip: { height: 1 }, bestHeader: { height: 9 } } as const;

  it("needs no fresh block, only that no peer is ahead", () => {
    expect(readiness(chain as never, { isSyncing: false })()).toBeUndefined();
    expect(readiness(chain as never, { isSyncing: true })()).toBe("catching up: block 1 of 9");
    const full = { ...chain, state: { kind: "disk-full", message: "no room" } };
    expect(readiness(full as never, { isSyncing: false })()).toBe("no room");
  });
});

it("hash rates have units", () => {
  expect([0, 999, 1500, 2.5e6].map(rateText)).toEqual(["0.00 H/s", "999 H/s", "1.50 kH/s", "2.50 MH/s"]);
});
