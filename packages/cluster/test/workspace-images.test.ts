import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { workspacePrograms } from "../src/workspace-images.ts";

const workspace = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");

describe("images of this workspace", () => {
  const find = workspacePrograms(workspace);

  it("are found by a system's name and by the names that its guides use", () => {
    expect(find("kvstore")?.command[1]).toBe(`${workspace}/systems/kvstore/bin/kvstore.js`);
    expect(find("blockchain-node")?.command[1]).toBe(`${workspace}/systems/blockchain/bin/blockchain.js`);
    expect(find("blockchain-node")).toEqual(find("blockchain"));
  });

  it("are nothing else", () => {
    expect(find("blockchain-miner")).toBeUndefined();
    expect(find("../kvstore")).toBeUndefined();
    expect(workspacePrograms(undefined)("kvstore")).toBeUndefined();
  });
});
