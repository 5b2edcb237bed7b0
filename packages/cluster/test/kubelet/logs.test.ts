import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ContainerLog } from "../../src/kubelet/logs/container-log.ts";
import { LogTimes } from "../../src/kubelet/logs/log-times.ts";
import { readLog } from "../../src/kubelet/logs/read-log.ts";
import type { LogOptions } from "../../src/kubelet/types.ts";
import { textOf } from "./cluster-fixture.ts";

const start = Date.parse("2026-01-01T00:00:00Z");

describe("LogTimes", () => {
  it("gives a byte the time of the first note that includes it", () => {
    const times = new LogTimes();
    times.note(10, 100);
    times.note(20, 200);
    expect([1, 10, 11, 20, 21].map((end) => times.at(end, 999))).toEqual([100, 100, 200, 200, 999]);
  });

  it("stays within its limit and keeps the newest times", () => {
    const times = new LogTimes([], 8);
    for (let size = 1; size <= 100; size++) times.note(size, size);
    expect(times.toJSON().length).toBeLessThanOrEqual(8);
    expect(times.at(100, 0)).toBe(100);
  });
});

/** Delays are over at once. */
const soon = (_: number, callback: () => void) => {
  const immediate = setImmediate(callback);
  return () => clearImmediate(immediate);
};

describe("readLog", () => {
  let folder: string;
  let log: ContainerLog;
  let now: number;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "coracle-log-"));
    now = start;
    writeFileSync(join(folder, "0.log"), "");
    log = new ContainerLog(join(folder, "0.log"), { now: () => now, after: soon }, { maxBytes: 100 });
    log.open();
  });
  afterEach(() => {
    log.close();
    rmSync(folder, { recursive: true });
  });

  /** Writes as the container would, at a time of our choosing. */
  const write = async (text: string, at: number): Promise<void> => {
    now = at;
    const noticed = log.changed(AbortSignal.timeout(5000));
    appendFileSync(log.path, text);
    await noticed;
  };
  const read = (options: LogOptions): Promise<string> =>
    textOf(readLog(log, options, now, new AbortController().signal));

  it("selects by lines, time and bytes", async () => {
    await write("one\n", start + 1000);
    await write("two\n", start + 10_000);
    await write("three\npart", start + 20_000);
    expect(await read({})).toBe("one\ntwo\nthree\npart");
    expect(await read({ tailLines: 2 })).toBe("three\npart");
    expect(await read({ tailLines: 0 })).toBe("");
    expect(await read({ sinceSeconds: 10 })).toBe("two\nthree\npart");
    expect(await read({ sinceTime: "2026-01-01T00:00:15Z" })).toBe("three\npart");
    expect(await read({ limitBytes: 6 })).toBe("one\ntw");
    expect(await read({ timestamps: true, tailLines: 2 })).toBe(
      "2026-01-01T00:00:20.000000000Z three\n2026-01-01T00:00:20.000000000Z part",
    );
  });

  it("follows until the container ends", async () => {
    await write("one\n", start + 1000);
    const following = read({ follow: true });
    await write("two\n", start + 2000);
    log.close();
    expect(await following).toBe("one\ntwo\n");
  });

  it("moves a large file away, bounded, and loses no place for those who follow", async () => {
    const following = readLog(log, { follow: true }, now, new AbortController().signal);
    const lines = Array.from({ length: 12 }, (_, index) => `line ${index} ${"x".repeat(20)}\n`);
    for (const [index, line] of lines.entries()) {
      const next = following.next();
      await write(line, start + (index + 1) * 1000);
      expect(String((await next).value)).toBe(line);
    }
    log.close();
    expect((await following.next()).done).toBe(true);
    const kept = await read({});
    expect(kept.length).toBeLessThanOrEqual(2 * 130);
    expect(lines.join("").endsWith(kept)).toBe(true);
  });

  it("remembers times over a restart of the cluster", async () => {
    await write("one\n", start + 1000);
    log.close();
    const again = new ContainerLog(log.path, { now: () => start + 99_000, after: () => () => undefined });
    again.open();
    again.close();
    expect(await textOf(readLog(again, { timestamps: true }, start, new AbortController().signal))).toMatch(
      /^2026-01-01T00:00:01/,
    );
  });
});
