/** The same commands to kvstore and to a real Redis must get the same answers, byte for byte. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { program } from "../../../scripts/testing/programs.ts";
import { resp, talk } from "./support/raw.ts";
import { type RedisServer, startRedis } from "./support/redis-server.ts";
import { type SoloServer, startSolo } from "./support/solo-server.ts";

/** One conversation per line group; words split at blanks, `_` stands for the empty string. */
const CONVERSATIONS: Readonly<Record<string, string>> = {
  strings: `SET a 1 | GET a | GET none | SET a 2 GET | SET none 1 GET | STRLEN a | STRLEN none | APPEND a xyz | APPEND fresh x
    GETRANGE a 0 -1 | GETRANGE a -3 -2 | GETRANGE a 5 2 | GETRANGE a -100 100 | GETRANGE a 0 -100 | GETRANGE a x 1 | GETRANGE none 0 1
    SETRANGE a 6 tail | GET a | SETRANGE a -1 x | SETRANGE none 0 _ | EXISTS none | SUBSTR a 1 2
    SETNX a 1 | SETNX n 1 | GETSET a new | GETSET n2 x | GETDEL a | GETDEL a | SET _ empty | GET _ | SET e _ | GET e | STRLEN e`,
  "set options": `SET a 1 NX | SET a 2 NX | SET a 2 XX | SET b 2 XX | SET a 3 NX XX | SET a 3 EX 0 | SET a 3 EX -1 | SET a 3 EX x | SET a 3 EX
    SET a 3 EX 10 PX 10 | SET a 3 EX 100 KEEPTTL | SET a 3 KEEPTTL EX 100 | SET a 3 FOO | SET a 3 PX 100000 | SET a 4 KEEPTTL | TTL a
    SET a 5 | TTL a | SET a x NX GET | SET fresh x NX GET | SET a 1 EX 99999999999999999 | SETEX a 0 x | SETEX a 10 x | PSETEX a -1 x | SETEX a y x`,
  numbers: `INCR n | INCR n | DECR n | INCRBY n 10 | DECRBY n 3 | GET n | SET s abc | INCR s | INCRBY n x | INCRBY n 9223372036854775807
    SET big 9223372036854775807 | INCR big | DECRBY n -9223372036854775808 | SET pad 01 | INCR pad | SET sp 1_ | SET neg -5 | INCR neg
    INCRBYFLOAT f 1.5 | INCRBYFLOAT f 1.5 | INCRBYFLOAT f -3 | INCRBYFLOAT f x | INCRBYFLOAT s 1 | INCRBYFLOAT f 3.0e3 | INCRBYFLOAT n 0.25
    INCRBYFLOAT tenth 0.1 | INCRBYFLOAT tenth 0.2 | INCRBYFLOAT tenth 1234.1 | INCRBYFLOAT tenth 1e4000 | INCRBYFLOAT tenth 1e5000`,
  several: `MSET a 1 b 2 | MGET a b c | MSET a | MSET a 1 b | MSETNX a 1 c 3 | MGET a c | MSETNX c 3 d 4 | MGET c d | MSETNX d
    EXISTS a b a none | DEL a none | UNLINK b a | EXISTS a | TOUCH c d x | DBSIZE | TYPE c | TYPE none | DEL | MGET`,
  expiry: `SET a 1 | TTL a | PTTL none | EXPIRE a 100 | TTL a | EXPIRE a 200 NX | EXPIRE a 200 XX | EXPIRE a 100 GT | EXPIRE a 300 LT | EXPIRE a 50 LT
    TTL a | EXPIRE none 10 | EXPIRE a x | EXPIRE a 10 FOO | EXPIRE a 10 NX XX | EXPIRE a 10 GT LT | PERSIST a | PERSIST a | PERSIST none
    EXPIREAT a 33333333333 | EXPIRETIME a | PEXPIREAT a 33333333333444 | PEXPIRETIME a | EXPIRETIME none | PEXPIRE a 100000 | TTL a
    SET b 1 | EXPIRETIME b | EXPIRE b -1 | EXISTS b | EXPIRE a 9223372036854775807 | SET k 1 | EXPIRE k 10 GT | EXPIRE k 10 LT | TTL k`,
  keys: `MSET user:1 a user:2 b user:10 c other d | KEYS other | KEYS none* | KEYS user:1? | KEYS user:[^2-9] | RENAME other thing | GET thing | RENAME other x
    RENAMENX thing user:1 | RENAMENX thing fresh | SCAN x | SCAN 0 COUNT 0 | SCAN 0 COUNT x | SCAN 0 FOO | FLUSHDB | DBSIZE | FLUSHALL FOO`,
  transactions: `MULTI | SET a 1 | INCR a | GET a | SETNX a 5 | EXEC | EXEC | DISCARD | MULTI | MULTI | DISCARD | MULTI | SET a | EXEC
    MULTI | NOPE | EXEC | WATCH a | SET a 9 | MULTI | SET a 3 | EXEC | GET a | WATCH a | UNWATCH | SET a 4 | MULTI | GET a | EXEC
    MULTI | SET s x | INCR s | GET s | EXEC | MULTI | EXEC | WATCH | MULTI | WATCH a | DISCARD | MULTI | PING | ECHO hi | EXEC`,
  connection: `PING | PING hi | PING a b | ECHO hi | ECHO | SELECT 0 | SELECT 99 | SELECT x | CLIENT GETNAME | CLIENT SETNAME me | CLIENT GETNAME
    NOSUCH | NOSUCH a b | GET | GET a b | HELLO 4 | HELLO x | AUTH x | AUTH a b | AUTH a b c | HELLO 3 AUTH nobody x | HELLO 3 FOO`,
  clients: `CLIENT KILL 1.2.3.4:5 | CLIENT KILL ID x | CLIENT KILL ID 0 | CLIENT KILL ID 99999 | CLIENT KILL TYPE foo | CLIENT KILL USER foo
    CLIENT KILL SKIPME maybe | CLIENT KILL ADDR | CLIENT KILL FOO bar | CLIENT KILL TYPE normal | CLIENT KILL a b c | CLIENT LIST ID x
    CLIENT LIST TYPE | CLIENT LIST TYPE foo | CLIENT LIST TYPE master | CLIENT LIST ID | CLIENT LIST ID 99999 | CLIENT LIST FOO | CLIENT
    CLIENT NO-EVICT x | CLIENT NO-EVICT ON | CLIENT GETREDIR | CLIENT UNBLOCK x | CLIENT UNBLOCK 99999 | CONFIG GET | CONFIG FOO | CONFIG`,
  getex: `SET a 1 | GETEX a EX 0 | GETEX a EX x | GETEX a PERSIST EX 1 | GETEX a EX 100 | TTL a | GETEX a PERSIST | TTL a | GETEX a EXAT 1 | GET a
    SET a 1 EX 100 | GETEX a | TTL a | SET b 1 EXAT 1 | GET b | GETEX none EX 5`,
  "copies and objects": `SET a 1 | OBJECT ENCODING a | SET a x | OBJECT ENCODING a | OBJECT FOO a | MEMORY USAGE | MEMORY USAGE none | MEMORY USAGE a FOO
    MEMORY USAGE a SAMPLES | MEMORY USAGE a SAMPLES x | MEMORY USAGE a SAMPLES -1 | COPY a a | COPY a b DB x | COPY a b DB 99 | COPY a b FOO
    COPY none b | COPY a b | COPY a b | SET a y EX 100 | COPY a b REPLACE | TTL b | GET b | COPY a b DB 0`,
  "keys of commands": `COMMAND GETKEYS GET a | COMMAND GETKEYS MSET a 1 b 2 | COMMAND GETKEYS | COMMAND GETKEYS NOSUCH x | COMMAND GETKEYS PING x
    COMMAND GETKEYS GET | COMMAND GETKEYS GET a b | COMMAND INFO nosuch | COMMAND DOCS nosuch | COMMAND FOO | COMMAND GETKEYS OBJECT ENCODING a`,
  "a refused EXEC": `EXEC x | MULTI | SET a 1 | EXEC x | GET a | MULTI | CLIENT FOO | EXEC | MULTI | GET a | EXEC`,
};
const hasRedis = program("redis-server") !== undefined;

describe.skipIf(!hasRedis)("beside a real Redis", () => {
  let redis: RedisServer;
  let solo: SoloServer;

  beforeAll(async () => {
    redis = await startRedis();
    solo = await startSolo();
  });

  afterAll(async () => {
    await redis[Symbol.asyncDispose]();
    await solo[Symbol.asyncDispose]();
  });

  it.each(Object.entries(CONVERSATIONS))("%s are answered alike", async (_, script) => {
    const commands = script
      .split(/[|\n]/)
      .map((line) => line.trim())
      .filter(Boolean);
    const bytes = [
      ...["FLUSHALL", ...commands].map((line) => resp(...line.split(" ").map((w) => (w === "_" ? "" : w)))),
      resp("QUIT"),
    ];
    const [ours, theirs] = await Promise.all([
      talk(solo.server.port, Buffer.concat(bytes)),
      talk(redis.port, Buffer.concat(bytes)),
    ]);
    expect(ours.split("\r\n")).toEqual(theirs.split("\r\n"));
  });
});

describe("a well-used client", () => {
  it("works unmodified", async () => {
    await using solo = await startSolo();
    const client = new Redis({ port: solo.server.port, host: "127.0.0.1", lazyConnect: true });
    await client.connect();
    expect(await client.set("a", "1", "EX", 100)).toBe("OK");
    expect(await client.mget("a", "b")).toEqual(["1", null]);
    expect(await client.multi().incr("a").get("a").exec()).toEqual([
      [null, 2],
      [null, "2"],
    ]);
    await client.mset(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`key:${i}`, "v"])));
    const seen = new Set<string>();
    for await (const keys of client.scanStream({ match: "key:*", count: 7 }))
      for (const key of keys as string[]) seen.add(key);
    expect(seen.size).toBe(100);
    await client.quit();
  });
});
