import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { devnet, regtest } from "../../src/consensus/params.ts";
import { encodeSecret } from "../../src/wallet/file/document.ts";
import { decodeWallets, encodeWallets } from "../../src/wallet/file/format.ts";
import { isAffordable, seal, unseal } from "../../src/wallet/file/seal.ts";
import { miningAddress } from "../../src/wallet/mining-address.ts";
import { openWallets } from "../../src/wallet/wallets.ts";
import { elsewhere, openNode, strangersAddress, tidy } from "./support/wallets.ts";

afterEach(async () => {
  vi.useRealTimers();
  await tidy();
});

const abandon = `${"abandon ".repeat(11)}about`;
const secret = "entropy that must never be seen";
const cheap = { n: 1024, r: 8, p: 1 };

describe("a sealed secret", { timeout: 60_000 }, () => {
  it("opens with its passphrase only, and only for what it was bound to", async () => {
    const sealed = await seal(Buffer.from(secret), "right", "these keys", cheap);
    expect((await unseal(sealed, "right", "these keys")).toString()).toBe(secret);
    await expect(unseal(sealed, "wrong", "these keys")).rejects.toMatchObject({ code: "bad-passphrase" });
    await expect(unseal(sealed, "right", "other keys")).rejects.toMatchObject({ code: "bad-passphrase" });
    const altered = {
      ...sealed,
      ciphertext: `${sealed.ciphertext.slice(0, -1)}${sealed.ciphertext.endsWith("0") ? "1" : "0"}`,
    };
    await expect(unseal(altered, "right", "these keys")).rejects.toMatchObject({ code: "bad-passphrase" });
  });

  it("differs each time, and opens however the passphrase is composed", async () => {
    const [a, b] = [
      await seal(Buffer.from(secret), "caf\u00e9", "", cheap),
      await seal(Buffer.from(secret), "caf\u00e9", "", cheap),
    ];
    expect([a.salt, a.nonce, a.ciphertext]).not.toEqual([b.salt, b.nonce, b.ciphertext]);
    expect((await unseal(a, "cafe\u0301", "")).toString()).toBe(secret);
  });

  it("may not cost more than a node can give", () => {
    expect(isAffordable({ n: 2 ** 15, r: 8, p: 3 })).toBe(true);
    for (const cost of [
      { n: 2 ** 25, r: 8, p: 1 },
      { n: 2 ** 15, r: 8, p: 1e6 },
      { n: 1000, r: 8, p: 1 },
      { n: 1, r: 8, p: 1 },
    ])
      expect(isAffordable(cost)).toBe(false);
  });
});

describe("the wallet file", { timeout: 60_000 }, () => {
  const filled = async () => {
    const node = await openNode();
    const wallet = await node.wallets.create("w", { passphrase: "p" });
    await node.wallets.create("plain", { mnemonic: abandon });
    await wallet.setLabel(await wallet.newAddress(), "caf\u00e9");
    await node.wallets.close();
    return { ...node, text: await readFile(node.path, "utf8") };
  };

  it("is its owner's alone and holds no words of an encrypted wallet", async () => {
    const node = await openNode();
    await node.wallets.create("w", { mnemonic: abandon, passphrase: "p" });
    expect((await stat(node.path)).mode & 0o777).toBe(0o600);
    expect((await stat(dirname(node.path))).mode & 0o777).toBe(0o700);
    const text = await readFile(node.path, "utf8");
    expect(text).not.toContain(encodeSecret(Buffer.alloc(16), "").toString("hex"));
    expect(await readdir(dirname(node.path))).toEqual(["wallets.dat", "wallets.dat.lock"]);
  });

  it("is refused when it is cut short or altered anywhere, and left alone", async () => {
    const { path, config, text } = await filled();
    expect(encodeWallets(decodeWallets(text))).toBe(text);
    const cases = [
      ...[0, 1, 20, 90, text.length / 2, text.length - 1].map((length) => text.slice(0, length)),
      `${text} `,
      text.replace("coracle-wallets 1", "coracle-wallets 2"),
      ...Array.from({ length: 60 }, (_, at) => {
        const place = Math.floor((text.length / 60) * at);
        return `${text.slice(0, place)}${text[place] === "a" ? "b" : "a"}${text.slice(place + 1)}`;
      }),
    ];
    for (const broken of cases) {
      await writeFile(path, broken);
      await expect(openWallets(path, config)).rejects.toMatchObject({ code: "bad-file" });
      expect(await readFile(path, "utf8")).toBe(broken);
    }
  });

  it("is refused when what it says makes no sense, though its checksum fits", async () => {
    const { text } = await filled();
    const document = decodeWallets(text);
    const [first] = document.wallets;
    const wrong: unknown[] = [
      { ...document, more: 1 },
      { ...document, wallets: [first, first] },
      ...[
        { birthday: -1 },
        { next: { 84: [1e12, 0], 86: [0, 0] } },
        { secret: { ...first!.secret, n: 2 ** 30 } },
        { secret: { kind: "plain", secret: "xyz" } },
        { labels: [] },
        { unconfirmed: [{ hex: "00" }] },
        { extra: true },
      ].map((change) => ({ ...document, wallets: [{ ...first, ...change }] })),
    ];
    for (const one of wrong)
      expect(() => decodeWallets(encodeWallets(one as typeof document))).toThrow(
        expect.objectContaining({ code: "bad-file" }),
      );
  });

  it("does not open an unencrypted wallet whose public keys were exchanged", async () => {
    const { path, config, text } = await filled();
    const document = decodeWallets(text);
    const [w, plain] = document.wallets;
    const exchanged = { ...document, wallets: [{ ...plain!, accounts: w!.accounts }] };
    await writeFile(path, encodeWallets(exchanged));
    await expect(openWallets(path, config)).rejects.toThrow(/does not belong to its public keys/);
  });

  it("of another network is refused", async () => {
    const { path, config } = await filled();
    await expect(openWallets(path, { ...config, network: devnet })).rejects.toThrow(/network regtest/);
  });

  it("stays as it was when it can not be written", async () => {
    const node = await openNode();
    const wallet = await node.wallets.create("w");
    const before = await readFile(node.path, "utf8");
    // A folder in its place stops root too, whom no mode does.
    await rename(node.path, `${node.path}.kept`);
    await mkdir(join(node.path, "in the way"), { recursive: true });
    await expect(wallet.newAddress()).rejects.toThrow();
    expect((await readdir(dirname(node.path))).filter((name) => name.endsWith(".partial"))).toEqual([]);
    expect(await readFile(`${node.path}.kept`, "utf8")).toBe(before);
    await rm(node.path, { recursive: true });
    await wallet.newAddress();
  });
});

describe("a passphrase", { timeout: 60_000 }, () => {
  it("unlocks for a time, by the clock and not by the timer", async () => {
    const node = await openNode();
    const wallet = await node.wallets.create("w", { passphrase: "first" });
    expect(wallet.info()).toMatchObject({ encrypted: true, unlockedUntil: 0 });
    expect(() => wallet.mnemonic()).toThrow(expect.objectContaining({ code: "locked" }));
    await expect(wallet.unlock("wrong", 60)).rejects.toMatchObject({ code: "bad-passphrase" });
    await wallet.unlock("first", 60);
    expect(wallet.info().unlockedUntil).toBe(node.clock.now / 1000 + 60);
    const words = wallet.mnemonic();
    node.clock.now += 60_000;
    expect(() => wallet.mnemonic()).toThrow(expect.objectContaining({ code: "locked" }));
    await wallet.unlock("first", 60);
    wallet.lock();
    await expect(wallet.send([{ address: strangersAddress, amount: 1000 }])).rejects.toMatchObject({ code: "locked" });
    await wallet.changePassphrase("first", "second");
    await expect(wallet.unlock("first", 60)).rejects.toMatchObject({ code: "bad-passphrase" });
    await wallet.unlock("second", 60);
    expect(wallet.mnemonic()).toBe(words);
  });

  it("given later encrypts the file, follows the chain while locked, and survives a restart", async () => {
    const node = await openNode();
    const wallet = await node.wallets.create("w");
    const address = await wallet.newAddress();
    const words = wallet.mnemonic();
    await wallet.encrypt("p");
    await expect(async () => wallet.encrypt("q")).rejects.toMatchObject({ code: "already-encrypted" });
    const reopened = await node.reopen();
    const again = reopened.wallets.get("w")!;
    reopened.chain.mine(node.scriptOf(address));
    reopened.deepen(100);
    expect(again.balances().trusted).toBe(50e8);
    expect(await again.newAddress()).not.toBe(address);
    expect(() => again.mnemonic()).toThrow(expect.objectContaining({ code: "locked" }));
    await again.unlock("p", 10);
    expect(again.mnemonic()).toBe(words);
    await again.send([{ address: strangersAddress, amount: 1e8 }]);
  });

  it("is not asked of a wallet that has none", async () => {
    const wallet = await (await openNode()).wallets.create("w");
    expect(() => wallet.lock()).toThrow(expect.objectContaining({ code: "not-encrypted" }));
    await expect(wallet.unlock("p", 1)).rejects.toMatchObject({ code: "not-encrypted" });
    await expect(async () => wallet.encrypt("")).rejects.toMatchObject({ code: "bad-passphrase" });
  });
});

describe("several wallets", { timeout: 60_000 }, () => {
  it("are told apart, loaded and unloaded, and stay so", async () => {
    const node = await openNode();
    await node.wallets.create("a");
    await node.wallets.create("b");
    await expect(node.wallets.create("a")).rejects.toMatchObject({ code: "exists" });
    await expect(node.wallets.create("../b")).rejects.toMatchObject({ code: "bad-argument" });
    await node.wallets.unload("a");
    const { wallets } = await node.reopen();
    expect(wallets.loaded().map(({ name }) => name)).toEqual(["b"]);
    expect([...wallets.names()].sort()).toEqual(["a", "b"]);
    await wallets.load("a");
    expect(wallets.get("a")).toBeDefined();
    await expect(wallets.load("c")).rejects.toMatchObject({ code: "not-found" });
  });
});

describe("the mining address", { timeout: 60_000 }, () => {
  const place = (path: string) => join(dirname(path), "mining_address.txt");

  it("is made once when none is set, and kept beside the wallet", async () => {
    const node = await openNode();
    const made = await miningAddress(undefined, place(node.path), node.wallets, regtest);
    expect(made.source).toBe("created");
    expect((await node.wallets.defaultWallet()).address(made.address)?.label).toBe("mining");
    for (const placeholder of ["", " ", "your-mining-address-here", "<MINER_ADDRESS>", "CHANGE_ME"])
      expect(await miningAddress(placeholder, place(node.path), node.wallets, regtest)).toEqual({
        ...made,
        source: "file",
      });
  });

  it("is the operator's when set, and refused when mistyped", async () => {
    const node = await openNode();
    const set = await miningAddress(` ${strangersAddress}\n`, place(node.path), node.wallets, regtest);
    expect(set).toEqual({ address: strangersAddress, source: "setting" });
    await expect(
      miningAddress(`${strangersAddress.slice(0, -1)}m`, place(node.path), node.wallets, regtest),
    ).rejects.toMatchObject({ code: "bad-address" });
    expect(node.wallets.names()).toEqual([]);
    expect(elsewhere).toHaveLength(25);
  });
});
