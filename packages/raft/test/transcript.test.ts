/** Whole courses of events as text, so that a change of who says what, when, shows. */
import { expect, it } from "vitest";
import { Cores } from "./support/cores.ts";

it("an election, a write and a read among three", () => {
  const group = new Cores("abc");
  group.tick("a", 10);
  group.settle();
  group.propose("a", "x");
  group.settle();
  group.step("a", { type: "read", id: 1 });
  group.settle();
  expect(group.transcript.join("\n")).toMatchInlineSnapshot(`
    "a (tick): b <- pre-vote 2 with 1/1; c <- pre-vote 2 with 1/1
    b (a: vote): a <- granted 2
    c (a: vote): a <- granted 2
    a (b: vote-reply): persist term 2 vote a; b <- vote 2 with 1/1; c <- vote 2 with 1/1
    b (a: vote): persist term 2 vote a; a <- granted 2
    c (a: vote): persist term 2 vote a; a <- granted 2
    a (b: vote-reply): write 2/2; b <- append 2 after 1/1 [2/2] commit 0; c <- append 2 after 1/1 [2/2] commit 0
    b (a: append): write 2/2
    b (durable): a <- holds 2
    c (a: append): write 2/2
    c (durable): a <- holds 2
    a (b: append-reply): b <- append 2 after 2/2 [] commit 2; apply to 2
    b (a: append): a <- holds 2; apply to 2
    a (propose): write 3/2; b <- append 2 after 2/2 [3/2] commit 2; c <- append 2 after 2/2 [3/2] commit 2
    b (a: append): write 3/2
    b (durable): a <- holds 3
    c (a: append): write 3/2; apply to 2
    c (durable): a <- holds 3
    a (b: append-reply): b <- append 2 after 3/2 [] commit 3; c <- append 2 after 3/2 [] commit 3; apply to 3
    b (a: append): a <- holds 3; apply to 3
    c (a: append): a <- holds 3; apply to 3
    a (read): b <- heartbeat 2 round 1 commit 3; c <- heartbeat 2 round 1 commit 3
    b (a: heartbeat): a <- round 1
    c (a: heartbeat): a <- round 1
    a (b: heartbeat-reply): read 1 at 3"
  `);
});

it("a failover: what the old leader wrote alone is replaced", () => {
  const group = new Cores("abc");
  group.elect("a");
  group.transcript.length = 0;
  group.propose("a", "lost");
  group.mail = [];
  for (const id of "bc") group.step(id, { type: "peer-down", id: "a" });
  group.tick("b");
  group.settle(({ from, to }) => from === "a" || to === "a");
  group.propose("b", "kept");
  group.settle(({ from, to }) => from === "a" || to === "a");
  group.step("b", { type: "peer-up", id: "a" });
  group.settle();
  expect(group.transcript.join("\n")).toMatchInlineSnapshot(`
    "a (propose): write 3/2; b <- append 2 after 2/2 [3/2] commit 2; c <- append 2 after 2/2 [3/2] commit 2
    b (tick): a <- pre-vote 3 with 2/2; c <- pre-vote 3 with 2/2
    c (b: vote): b <- granted 3
    b (c: vote-reply): persist term 3 vote b; a <- vote 3 with 2/2; c <- vote 3 with 2/2
    c (b: vote): persist term 3 vote b; b <- granted 3
    b (c: vote-reply): write 3/3; a <- append 3 after 2/2 [3/3] commit 2; c <- append 3 after 2/2 [3/3] commit 2
    c (b: append): write 3/3; apply to 2
    c (durable): b <- holds 3
    b (c: append-reply): c <- append 3 after 3/3 [] commit 3; apply to 3
    c (b: append): b <- holds 3; apply to 3
    b (propose): write 4/3; c <- append 3 after 3/3 [4/3] commit 3
    c (b: append): write 4/3
    c (durable): b <- holds 4
    b (c: append-reply): c <- append 3 after 4/3 [] commit 4; apply to 4
    c (b: append): b <- holds 4; apply to 4
    b (peer-up): a <- append 3 after 0/0 [1/1 2/2 3/3 4/3] commit 4
    a (b: append): persist term 3 vote -; write 3/3 4/3
    a (durable): b <- holds 4; apply to 4"
  `);
});
