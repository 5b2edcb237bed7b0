/** Interactive use: stdin, terminals, attach. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findProgram } from "../../src/kubelet/images/find-program.ts";
import type { ExecSession } from "../../src/kubelet/types.ts";
import { type Fixture, isolationLevels, isReady, openFixture, phaseIs, sh } from "./cluster-fixture.ts";

const hasScript = findProgram("script", process.env.PATH) !== undefined;
if (!hasScript) console.warn("terminal tests are skipped: script(1) of util-linux is not on PATH");

const forever = "trap 'exit 0' TERM; while :; do sleep 0.05; done";

/** Collects what the session says, and waits for a text in it. */
function listenTo({ stdout }: ExecSession) {
  let said = "";
  const waiting = new Set<() => void>();
  stdout.on("data", (chunk: Buffer) => {
    said += chunk;
    for (const look of waiting) look();
  });
  return async (text: string | RegExp): Promise<string> => {
    const { promise, resolve } = deferred<string>();
    const look = () => (typeof text === "string" ? said.includes(text) : text.test(said)) && resolve(said);
    waiting.add(look);
    look();
    return await promise;
  };
}

function deferred<T>() {
  let resolve = (_: T): void => undefined;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

describe.each(isolationLevels)("terminals with isolation %s", (isolation) => {
  let fixture: Fixture;
  const pod = { namespace: "default", name: "host" };
  beforeAll(async () => {
    fixture = await openFixture(isolation);
    await fixture.run("host", { containers: [sh("main", forever)] });
    await fixture.until("host", isReady);
  });
  afterAll(() => fixture.close());

  it("passes stdin to an executed command, and its end", async () => {
    const wants = { command: ["sh", "-c", "cat; exit 5"], stdin: true, tty: false };
    const session = await fixture.kubelet.exec(pod, wants, new AbortController().signal);
    const heard = listenTo(session);
    session.stdin?.end("hello");
    expect(await session.exitCode).toBe(5);
    expect(await heard("hello")).toBe("hello");
  });

  it("ends an executed command when its owner lets go", async () => {
    const abort = new AbortController();
    const session = await fixture.kubelet.exec(
      pod,
      { command: ["sh", "-c", "echo up; exec sleep 1000"], stdin: false, tty: false },
      abort.signal,
    );
    await listenTo(session)("up");
    abort.abort();
    expect(await session.exitCode).toBe(137);
  });

  it.runIf(hasScript)("gives an executed command a terminal with a size", async () => {
    const wants = {
      command: ["sh", "-c", "test -t 0 && echo tty; until stty size | grep '37 101'; do sleep 0.05; done; exit 3"],
      stdin: true,
      tty: true,
    };
    const session = await fixture.kubelet.exec(pod, wants, new AbortController().signal);
    const heard = listenTo(session);
    await heard("tty");
    session.resize(101, 37);
    await heard("37 101");
    expect(await session.exitCode).toBe(3);
  });

  it("attaches to the main process: its output so far, its input, and 0 at its end, as Kubernetes has it", async () => {
    const main = { ...sh("main", "echo ready; read line; echo got $line; exit 4"), stdin: true, stdinOnce: true };
    await fixture.run("talk", { restartPolicy: "Never", containers: [main] });
    await fixture.until("talk", isReady);
    const session = await fixture.kubelet.attach(
      { ...pod, name: "talk" },
      { stdin: true, tty: false },
      new AbortController().signal,
    );
    const heard = listenTo(session);
    await heard("ready\n");
    session.stdin?.end("word\n");
    expect(await heard("got")).toBe("ready\ngot word\n");
    expect(await session.exitCode).toBe(0);
  });

  it.runIf(hasScript)("runs a container on a terminal, where Ctrl-C works", async () => {
    const main = {
      name: "main",
      image: "busybox",
      command: ["sh"],
      env: [{ name: "PS1", value: "prompt> " }],
      stdin: true,
      tty: true,
    };
    await fixture.run("console", { restartPolicy: "Never", containers: [main] });
    await fixture.until("console", isReady);
    const session = await fixture.kubelet.attach(
      { ...pod, name: "console" },
      { stdin: true, tty: true },
      new AbortController().signal,
    );
    const heard = listenTo(session);
    await heard("prompt> ");
    session.stdin?.write("echo on; sleep 1000\n");
    await heard(/\non/);
    session.stdin?.write("\u0003");
    await heard(/\non[^>]*prompt> /);
    session.stdin?.write("echo st''ill; exit 6\n");
    await heard("still");
    expect(await session.exitCode).toBe(0);
    const { status } = await fixture.until("console", phaseIs("Failed"));
    expect(status?.containerStatuses?.[0]?.state?.terminated?.exitCode).toBe(6);
  });
});
