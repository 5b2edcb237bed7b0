import { describe, expect, it } from "vitest";
import { RpcError } from "../../src/rpc/errors.ts";
import { method, optional, param, readParameters, withDefault } from "../../src/rpc/method.ts";
import { answer } from "../../src/rpc/server/protocol.ts";

const call = { signal: new AbortController().signal, wallet: undefined };

const ask = async (request: unknown): Promise<{ status: number; body: unknown }> => {
  const text = typeof request === "string" ? request : JSON.stringify(request);
  const { status, text: answered } = await answer(
    text,
    async (name, params) => {
      if (name === "missing") throw new RpcError("methodNotFound", "Method not found");
      if (name === "broken") throw new RpcError("invalidParameter", "no");
      return { name, params };
    },
    call,
  );
  return { status, body: answered === "" ? undefined : JSON.parse(answered) };
};

describe("the protocol", () => {
  it("answers version 1 with result and error, and tells errors by the status", async () => {
    expect(await ask({ id: 7, method: "a", params: [1] })).toEqual({
      status: 200,
      body: { result: { name: "a", params: [1] }, error: null, id: 7 },
    });
    expect(await ask({ id: 7, method: "missing" })).toMatchObject({ status: 404, body: { error: { code: -32601 } } });
    expect(await ask({ id: 7, method: "broken" })).toMatchObject({ status: 500, body: { result: null, id: 7 } });
  });

  it("answers version 2 with one of them, and always with 200", async () => {
    expect(await ask({ jsonrpc: "2.0", id: "x", method: "a" })).toEqual({
      status: 200,
      body: { jsonrpc: "2.0", result: { name: "a", params: [] }, id: "x" },
    });
    expect(await ask({ jsonrpc: "2.0", id: 1, method: "broken" })).toEqual({
      status: 200,
      body: { jsonrpc: "2.0", error: { code: -8, message: "no" }, id: 1 },
    });
  });

  it("answers nothing to a notification", async () => {
    expect(await ask({ jsonrpc: "2.0", method: "a" })).toEqual({ status: 204, body: undefined });
    expect(await ask([{ jsonrpc: "2.0", method: "a" }])).toEqual({ status: 204, body: undefined });
  });

  it("answers a batch call by call", async () => {
    const { status, body } = await ask([{ id: 1, method: "a" }, 5, { jsonrpc: "2.0", id: 2, method: "missing" }]);
    expect(status).toBe(200);
    expect(body).toMatchObject([
      { id: 1, error: null },
      { error: { code: -32600 } },
      { id: 2, error: { code: -32601 } },
    ]);
    expect(await ask(Array(1001).fill({ id: 1, method: "a" }))).toMatchObject({ status: 400 });
  });

  it("refuses what is no request", async () => {
    expect(await ask("{")).toMatchObject({ status: 500, body: { error: { code: -32700 } } });
    expect(await ask({ id: 1, method: 5 })).toMatchObject({ status: 400, body: { error: { code: -32600 } } });
  });
});

describe("parameters", () => {
  const row = method(
    "row",
    "Test",
    "",
    {
      height: param.integer("height", 0),
      verbose: withDefault(param.boolean("much"), true),
      note: optional(param.string("text")),
    },
    () => undefined,
  );
  const read = (given: unknown): unknown => readParameters(row, given);
  const code = (given: unknown): number => {
    try {
      read(given);
    } catch (error) {
      return (error as RpcError).rpcCode;
    }
    return 0;
  };

  it("come by position or by name", () => {
    expect(read([5])).toEqual({ height: 5, verbose: true, note: undefined });
    expect(read({ note: "x", height: 5, verbose: false })).toEqual({ height: 5, verbose: false, note: "x" });
    expect(read([5, null, "x"])).toEqual({ height: 5, verbose: true, note: "x" });
  });

  it("are refused with Bitcoin Core's codes", () => {
    expect(code([])).toBe(-1);
    expect(code(["5"])).toBe(-3);
    expect(code([-1])).toBe(-8);
    expect(code([1, true, "x", 4])).toBe(-1);
    expect(code({ height: 1, other: 2 })).toBe(-8);
    expect(code("x")).toBe(-32600);
  });

  it("that are hashes come out in internal byte order", () => {
    const hash = param.hash("h").read(`00${"11".repeat(31)}`, "h");
    expect(hash.at(-1)).toBe(0);
    expect(() => param.hash("h").read("12", "h")).toThrow(/length 64/);
  });
});
