/** The web pages in a real browser, on real nodes. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { program } from "../../../../scripts/testing/programs.ts";
import { ask, type NodeProcess, startNode } from "./support/nodes.ts";
import { adminKey, walletKey } from "./support/server.ts";
import { until } from "./support/until.ts";

const executablePath = program("chromium");
const patience = 30_000;
let browser: Browser;

beforeAll(async () => {
  if (!executablePath) return;
  const built = fileURLToPath(new URL("../../pages/dist/index.html", import.meta.url));
  if (!existsSync(built)) throw new TypeError("the pages are not built: npm run build");
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
});
afterAll(() => browser?.close());

/** Closed after the test, which fails for anything that the browser complains about. */
async function open(node: NodeProcess, path = "/", viewport = { width: 1200, height: 900 }): Promise<Page> {
  const context = await browser.newContext({ viewport, baseURL: node.url ?? "", colorScheme: "light" });
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // What the API refuses is told to the user, not an error of the page.
    const isRefusal = /status of 4\d\d/.test(message.text());
    if (message.type() === "error" && !isRefusal) complaints.push(message.text());
  });
  onTestFinished(async () => {
    await context.close();
    expect(complaints).toEqual([]);
  });
  await page.goto(path);
  return page;
}

async function signIn(page: Page, key = walletKey): Promise<void> {
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Use this key" }).click();
}

async function newWallet(page: Page, name: string): Promise<string> {
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByRole("heading", { name: "Write these words down" }).waitFor();
  const words = await page.locator(".words li").allTextContents();
  expect(words).toHaveLength(12);
  // Nobody gets past the words without saying that they are written down.
  expect(await page.getByRole("button", { name: "Open the wallet" }).isDisabled()).toBe(true);
  await page.getByLabel("I have written them down").check();
  await page.getByRole("button", { name: "Open the wallet" }).click();
  return words.join(" ");
}

async function newAddress(page: Page, label: string): Promise<string> {
  await page.getByRole("button", { name: "Receive" }).click();
  await page.getByLabel("What for").fill(label);
  await page.getByRole("button", { name: "New address" }).click();
  const address = (await page.getByTestId("fresh-address").textContent()) ?? "";
  await page.getByRole("img", { name: `QR code of ${address}` }).waitFor();
  return address;
}

describe.skipIf(!executablePath)("the pages", () => {
  it("pay at one webserver what a miner mines and another webserver shows as confirmed, without a reload", async () => {
    const miner = await startNode({ env: { NODE_IS_MINER: "yes", MINING_WHEN: "transactions" } });
    const webserver = () => startNode({ env: { NODE_IS_WEB_SERVER: "yes" }, peers: [miner] });
    const [payer, shop] = await Promise.all([webserver(), webserver()]);

    const shopPage = await open(shop, "/wallet");
    await signIn(shopPage);
    const words = await newWallet(shopPage, "shop");
    const address = await newAddress(shopPage, "tea");
    await shopPage.getByRole("button", { name: "History" }).click();
    await shopPage.getByText("No payments yet.").waitFor();

    const payerPage = await open(payer, "/wallet");
    await signIn(payerPage);
    await newWallet(payerPage, "purse");
    const mining = await newAddress(payerPage, "mined");
    await ask(payer, "/api/admin/mining/generatetoaddress", { nblocks: 101, address: mining });
    // Both pages follow by events.
    for (const page of [payerPage, shopPage]) await page.getByText("block 101").waitFor();

    await payerPage.getByRole("button", { name: "Send", exact: true }).click();
    await payerPage.getByText("you have 50").waitFor();
    await payerPage.getByLabel("To address").fill(address);
    await payerPage.getByLabel(/^Amount/).fill("1.5");
    await payerPage.getByLabel("Soon").check();
    await payerPage.getByRole("button", { name: "Continue" }).click();
    await payerPage.getByRole("heading", { name: "Send 1.5?" }).waitFor();
    await payerPage.getByRole("button", { name: "Send now" }).click();
    await payerPage.getByText("Sent:").waitFor();

    const row = shopPage.getByRole("row").filter({ hasText: "+1.5" });
    await row.filter({ hasText: "confirmed" }).waitFor();
    expect(await row.textContent()).toContain("tea");
    await row.getByRole("link").last().click();
    await shopPage.getByText(/^Confirmed \(1\)$/).waitFor();
    expect((await ask<{ balance: number }>(payer, `/api/v1/wallet/${address}/balance`)).balance).toBe(150_000_000);

    // The words alone bring the coins back, on any node.
    await payerPage.getByRole("button", { name: "New wallet" }).click();
    await payerPage.getByLabel("Name").fill("again");
    await payerPage.getByLabel(/restore/).fill(words);
    await payerPage.getByRole("button", { name: "Create" }).click();
    await payerPage.getByRole("row").filter({ hasText: "+1.5" }).waitFor();
  }, 120_000);

  it("find what is pasted, draw how the chain grows, and fit a phone and the keyboard", async () => {
    const node = await startNode({ env: { NODE_IS_WEB_SERVER: "yes" } });
    const { address } = await ask<{ address: string }>(node, "/api/wallet/wallet", { label: "mine" });
    await ask(node, "/api/admin/mining/generatetoaddress", { nblocks: 30, address });
    const page = await open(node, "/", { width: 360, height: 740 });
    await page.getByText("Live").waitFor();

    // By keyboard alone.
    await page.keyboard.press("/");
    await page.keyboard.type("17");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Block 17", exact: true }).waitFor();
    expect(await page.evaluate("document.activeElement.tagName")).toBe("H1");
    await page.getByLabel("Search").fill(address);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Address: mine" }).waitFor();
    await page.getByText("1 of 2").waitFor();
    await page.getByRole("link", { name: "Older" }).click();
    await page.getByText("2 of 2").waitFor();
    await page.getByLabel("Search").fill("nothing at all");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").filter({ hasText: "not known here" }).waitFor();

    await page.getByRole("link", { name: "Node" }).click();
    await page.getByRole("img", { name: /^Hash rate from block/ }).waitFor();
    await page.getByRole("img", { name: /^Time between blocks/ }).waitFor();
    const unknown = `/tx/${"0".repeat(64)}`;
    const all = ["/", "/blocks?page=2", "/block/3", "/mempool", "/wallet", "/node", `/address/${address}`, unknown];
    for (const path of all) {
      await page.goto(path);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.getByText("Loading").waitFor({ state: "hidden" });
      // Nothing is wider than the phone.
      expect([path, await page.evaluate("document.documentElement.scrollWidth")]).toEqual([path, 360]);
    }
    // A block that comes is there by itself.
    await page.goto("/");
    await ask(node, "/api/admin/mining/generatetoaddress", { nblocks: 1, address });
    await page
      .getByRole("row")
      .filter({ hasText: /Height.*31|^31/ })
      .first()
      .waitFor();

    const ground = (): Promise<unknown> => page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
    const light = await ground();
    await page.emulateMedia({ colorScheme: "dark" });
    await until(async () => (await ground()) !== light);
    await page.getByRole("button", { name: /^Colours: auto/ }).click();
    await until(async () => (await ground()) === light);
  }, 120_000);

  it("stop and start a miner's own mining by the admin's button, and say why a webserver has none", async () => {
    const both = { NODE_IS_MINER: "yes", NODE_IS_WEB_SERVER: "yes", MINING_WHEN: "transactions" };
    const miner = await startNode({ env: both });
    const page = await open(miner, "/node");
    await signIn(page, adminKey);
    await page.getByText("This node mines whenever it can.").waitFor();
    await page.getByRole("button", { name: "Stop mining" }).click();
    await page.getByText("This node does not mine.").waitFor();

    const { address } = await ask<{ address: string }>(miner, "/api/wallet/wallet", { label: "mine" });
    await ask(miner, "/api/admin/mining/generatetoaddress", { nblocks: 101, address });
    const payment = { from_address: address, to_address: address, amount: 100_000_000 };
    await ask(miner, "/api/v1/transactions", payment);
    const chain = () => ask<{ height: number; mempool_size: number }>(miner, "/api/v1/blockchain");
    expect(await chain()).toMatchObject({ height: 101, mempool_size: 1 });
    await page.getByRole("button", { name: "Start mining" }).click();
    await page.getByText("This node mines whenever it can.").waitFor();
    await until(async () => (await chain()).mempool_size === 0);

    const webserver = await startNode({ env: { NODE_IS_WEB_SERVER: "yes" } });
    const other = await open(webserver, "/node");
    await signIn(other, adminKey);
    await other.getByRole("button", { name: "Start mining" }).click();
    await other.getByRole("alert").filter({ hasText: "this node is no miner" }).waitFor();
  }, 120_000);
});
