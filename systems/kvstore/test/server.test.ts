import { LeaseLogError } from "@coracle/lease-log";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Client } from "../src/cli/client.ts";
import { resp, talk } from "./support/raw.ts";
import { type SoloServer, startSolo } from "./support/solo-server.ts";

let solo: SoloServer;

beforeEach(async () => {
  solo = await startSolo();
});
afterEach(() => solo[Symbol.asyncDispose]());

const ask = (...pieces: (string | Uint8Array)[]) => talk(solo.server.port, ...pieces, resp("QUIT"));

describe("the original's verbs over telnet", () => {
  const lines = (...typed: string[]) => talk(solo.server.port, `${typed.join("\r\n")}\r\n`, "QUIT\r\n");

  it("answer in plain lines", async () => {
    expect(
      await lines(
        "PUT greeting hello world",
        "READ greeting",
        "READ nothing",
        "DELETE greeting",
        "DELETE greeting",
        "BATCHPUT a||b||c 1||2||3",
        "READRANGE a b",
        "PUT a",
      ),
    ).toBe(
      "OK\nhello world\nNOT_FOUND\nOK\nNOT_FOUND\nOK\na||1||b||2\nERROR: ERR wrong number of arguments for 'put' command\n+OK\r\n",
    );
  });

  it("carry line ends in values by escapes", async () => {
    expect(await lines("put k one\\ntwo\\\\n\\t", "read k")).toBe("OK\none\\ntwo\\\\n\\t\n+OK\r\n");
    expect(solo.store.reader().get(Buffer.from("k"))?.subarray(1).toString()).toBe("one\ntwo\\n\t");
  });

  it("leave Redis' verbs to Redis' answers", async () => {
    expect(await lines('SET k "two words\\x21"', "GET k", "", "PING")).toBe(
      "+OK\r\n$10\r\ntwo words!\r\n+PONG\r\n+OK\r\n",
    );
  });
});

describe("pipelines", () => {
  it("are answered in order, reads seeing the writes before them", async () => {
    const answer = await ask(
      Buffer.concat([
        resp("SET", "a", "1"),
        resp("GET", "a"),
        resp("SET", "a", "2"),
        resp("INCR", "a"),
        resp("NOPE"),
        resp("GET", "a"),
        resp("ECHO", "x"),
        resp("DEL", "a", "b"),
      ]),
    );
    expect(answer).toBe(
      "+OK\r\n$1\r\n1\r\n+OK\r\n:3\r\n-ERR unknown command 'NOPE', with args beginning with: \r\n$1\r\n3\r\n$1\r\nx\r\n:1\r\n+OK\r\n",
    );
  });

  it("share log entries", async () => {
    await ask(Buffer.concat(Array.from({ length: 500 }, (_, i) => resp("SET", `k${i}`, "v"))));
    expect(solo.store.reader().size).toBe(500);
    expect(solo.log.entries).toBeLessThan(10);
  });

  it("still answer everything when the client ends its side first", async () => {
    const { connect } = await import("node:net");
    const answer = await new Promise<string>((resolve) => {
      let text = "";
      const socket = connect({ port: solo.server.port, host: "127.0.0.1", allowHalfOpen: true }, () =>
        socket.end("SET a 1\r\nGET a\r\n"),
      );
      socket.on("data", (chunk) => {
        text += chunk;
      });
      socket.on("close", () => resolve(text));
    });
    expect(answer).toBe("+OK\r\n$1\r\n1\r\n");
  });
});

describe("broken input", () => {
  it.each([
    ["*1\r\n+PING\r\n", "expected '$', got '+'"],
    ["*x\r\n", "invalid multibulk length"],
    ["*01\r\n", "invalid multibulk length"],
    ["*1\r\n$04\r\nPING\r\n", "invalid bulk length"],
    ["*1\r\n\r\n", "expected '$', got ' '"],
    ["*2000000\r\n", "invalid multibulk length"],
    ["*1\r\n$-5\r\n", "invalid bulk length"],
    ["*1\r\n$99999999999\r\n", "invalid bulk length"],
    ["*1\r\n$999999999\r\n", "invalid bulk length"],
    ["*1\r\n$4\r\nPINGxx", "expected CRLF behind a bulk string"],
    ["*".padEnd(70_000, "1"), "too big mbulk count string"],
    ["a".repeat(70_000), "too big inline request"],
    ['SET a "b\r\n', "unbalanced quotes in request"],
  ])("%j ends the connection with the reason, after the answers before it", async (bytes, reason) => {
    expect(await talk(solo.server.port, resp("PING"), bytes)).toBe(`+PONG\r\n-ERR Protocol error: ${reason}\r\n`);
  });

  it.each(["POST / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: kvstore\r\n", "MULTI\r\npost\r\n"])(
    "%j is a browser's: nothing behind it is done",
    async (request) => {
      await talk(solo.server.port, `${request}Content-Length: 9\r\n\r\nSET a 1\r\n`);
      expect(solo.store.reader().get(Buffer.from("a"))).toBeUndefined();
    },
  );

  it.each([
    ["pairs", ["a", "1", "k".repeat(2000), "2"]],
    ["lists", [`a||${"k".repeat(2000)}`, "1||2"]],
  ])("stores nothing of a batch of %s with a key that is too long", async (_, words) => {
    expect(await ask(resp("BATCHPUT", ...words), resp("DBSIZE"))).toBe(
      "-ERR key is longer than 1900 bytes\r\n:0\r\n+OK\r\n",
    );
  });

  it("refuses keys that are too long and keeps the connection", async () => {
    expect(await ask(resp("SET", "k".repeat(2000), "v"), resp("PING"))).toBe(
      "-ERR key is longer than 1900 bytes\r\n+PONG\r\n+OK\r\n",
    );
  });
});

describe("a client", () => {
  it("is ended by CLIENT KILL, and not the asker", async () => {
    const { connect } = await import("node:net");
    const victim = connect({ port: solo.server.port, host: "127.0.0.1" });
    const ended = new Promise((resolve) => victim.once("close", resolve));
    const id = await new Promise<string>((resolve) => {
      victim.on("data", (text) => resolve(String(text).trim().slice(1)));
      victim.write("CLIENT ID\r\n");
    });
    expect(await ask(resp("CLIENT", "KILL", "ID", id), resp("PING"))).toBe(":1\r\n+PONG\r\n+OK\r\n");
    await ended;
  });

  it("is told of by CLIENT INFO, with every number that redis-py reads", async () => {
    const line = await ask(resp("CLIENT", "INFO"));
    const numbers = "id age idle db sub psub multi qbuf qbuf-free argv-mem obl oll omem tot-mem".split(" ");
    for (const name of numbers) expect(line).toMatch(new RegExp(`\\b${name}=-?\\d+ `));
  });

  it("that asks is ended after its answer, if it is meant too", async () => {
    expect(await ask(resp("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no"), resp("PING"))).toBe(":1\r\n");
  });
});

describe("a replica", () => {
  beforeEach(() => solo.log.become({ role: "replica", primary: "kvstore-2" }));

  it("sends writes and reads to the primary by its stable name", async () => {
    expect(await ask(resp("SET", "a", "1"), resp("GET", "a"), resp("PING"))).toBe(
      "-MOVED 0 kvstore-2.kv.example:5555\r\n-MOVED 0 kvstore-2.kv.example:5555\r\n+PONG\r\n+OK\r\n",
    );
  });

  it("says so when there is no primary", async () => {
    solo.log.become({ primary: undefined });
    expect(await ask(resp("SET", "a", "1"))).toMatch(/^-CLUSTERDOWN there is no primary now/);
  });

  it.each([
    ["stale", 1e9, "$-1"],
    ["bounded", 900, "$-1"],
    ["bounded", 1100, "-MOVED 0 kvstore-2.kv.example:5555"],
  ] as const)("configured for %s reads, %d ms behind, answers %s", async (reads, staleMs, answer) => {
    await using other = await startSolo({}, { reads });
    other.log.become({ role: "replica", primary: "kvstore-2", staleMs });
    expect(await talk(other.server.port, resp("GET", "a"), resp("QUIT"))).toBe(`${answer}\r\n+OK\r\n`);
  });
});

describe("writes that fail", () => {
  it.each([
    ["indeterminate", "UNCERTAIN"],
    ["overloaded", "TRYAGAIN"],
    ["blocked", "NOREPLICAS"],
    ["failed", "MISCONF"],
    ["closed", "CLUSTERDOWN"],
  ] as const)("because of %s are told as %s", async (code, word) => {
    solo.log.failWith(new LeaseLogError(code, "why"));
    expect(await ask(resp("SET", "a", "1"))).toMatch(new RegExp(`^-${word} `));
  });

  it("for want of disk space leave reads and removals", async () => {
    const disk = { freeBytes: 1, refusal: (frees: boolean) => (frees ? undefined : "The data disk is full.") };
    await using full = await startSolo({}, { disk });
    const answer = await talk(
      full.server.port,
      resp("SET", "a", "1"),
      resp("GET", "a"),
      resp("DEL", "a"),
      resp("QUIT"),
    );
    expect(answer).toBe("-MISCONF The data disk is full.\r\n$-1\r\n:0\r\n+OK\r\n");
  });
});

describe("connections", () => {
  it("are limited in number", async () => {
    await using small = await startSolo({ maxClients: 0 });
    expect(await talk(small.server.port)).toBe("-ERR max number of clients reached\r\n");
  });

  it("end when the server's role does", async () => {
    const ended = talk(solo.server.port, resp("PING"));
    await expect.poll(() => solo.server.stats.commands).toBe(1);
    solo.server.retireClients();
    expect(await ended).toBe("+PONG\r\n");
  });

  it("need the password when there is one", async () => {
    await using locked = await startSolo({ password: "secret" });
    const answer = await talk(
      locked.server.port,
      resp("GET", "a"),
      resp("AUTH", "wrong"),
      resp("AUTH", "secret"),
      resp("GET", "a"),
      resp("QUIT"),
    );
    expect(answer.split("\r\n").map((line) => line.split(" ")[0])).toEqual([
      "-NOAUTH",
      "-WRONGPASS",
      "+OK",
      "$-1",
      "+OK",
      "",
    ]);
  });
});

describe("transactions", () => {
  it("run as one, reads seeing the writes before them", async () => {
    expect(
      await ask(
        resp("MULTI"),
        resp("SET", "a", "1"),
        resp("GET", "a"),
        resp("SETNX", "a", "2"),
        resp("PING"),
        resp("EXEC"),
      ),
    ).toBe("+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*4\r\n+OK\r\n$1\r\n1\r\n:0\r\n+PONG\r\n+OK\r\n");
  });

  it("do nothing when a watched key changed", async () => {
    const watch = [
      resp("WATCH", "a"),
      resp("SET", "a", "2"),
      resp("MULTI"),
      resp("SET", "a", "3"),
      resp("EXEC"),
      resp("GET", "a"),
    ];
    expect(await ask(...watch)).toBe("+OK\r\n+OK\r\n+OK\r\n+QUEUED\r\n*-1\r\n$1\r\n2\r\n+OK\r\n");
  });

  it("are dropped when a command in them is wrong", async () => {
    expect(await ask(resp("MULTI"), resp("SET", "a"), resp("SET", "a", "1"), resp("EXEC"), resp("GET", "a"))).toMatch(
      /QUEUED\r\n-EXECABORT .*\r\n\$-1\r\n\+OK\r\n$/,
    );
  });
});

describe("large replies", () => {
  const LARGE = 15 * 1024 * 1024;
  const lengthOf = (reply: unknown) => (reply instanceof Uint8Array ? reply.length : String(reply));
  const TOO_LARGE = /ERR the reply would be larger than 64 MiB/;
  let client: Client;

  beforeEach(async () => {
    client = await Client.open({ host: "127.0.0.1", port: solo.server.port, timeoutMs: 15_000 });
    await client.ask("SET", "large", "x".repeat(LARGE));
  });
  afterEach(() => client[Symbol.asyncDispose]());

  it("of one command are refused", async () => {
    await expect(client.ask("MGET", ...Array(5).fill("large"))).rejects.toThrow(TOO_LARGE);
    expect(((await client.ask("MGET", "large", "none")) as unknown[]).map(lengthOf)).toEqual([LARGE, "null"]);
  });

  it("of a transaction end it with errors in place of the rest", async () => {
    const commands = [["MULTI"], ["SET", "a", "1"], ...Array(6).fill(["GET", "large"]), ["INCR", "a"], ["EXEC"]];
    const replies = (await client.askAll(commands)).at(-1) as unknown[];
    expect(replies.slice(1, 6).map(lengthOf)).toEqual(Array(5).fill(LARGE));
    expect(replies[6]).toMatchObject({ message: expect.stringMatching(TOO_LARGE) });
    expect(replies[7]).toBe(2);
  });

  it("of a pipeline come one after the other, in order", async () => {
    const commands = Array.from({ length: 6 }, (_, i) => (i % 2 === 0 ? ["GET", "large"] : ["ECHO", `${i}`]));
    const replies = await client.askAll([...commands, ["GET", "large"], ["GET", "large"], ["GET", "none"]]);
    expect(replies.map(lengthOf)).toEqual([LARGE, 1, LARGE, 1, LARGE, 1, LARGE, LARGE, "null"]);
  });
});
