import { expect, it } from "vitest";
import { Handover } from "../src/driver/handover.ts";
import { Roles } from "../src/driver/roles.ts";
import type { LogClock } from "../src/options.ts";

const TIMEOUT_MS = 1000;

function begin() {
  const roles = new Roles();
  roles.update({ role: "primary", primary: "a", epoch: 4 });
  let onTimeout = (): void => {};
  const after: LogClock["after"] = (_, task) => {
    onTimeout = task;
    return () => {};
  };
  const handover = new Handover("b", roles, { now: () => 0, every: () => () => {}, after }, TIMEOUT_MS);
  roles.update({ role: "replica", primary: undefined, epoch: 4 });
  return { roles, result: handover.result, timeOut: () => onTimeout() };
}

it("is done when the successor leads", async () => {
  const { roles, result } = begin();
  roles.update({ role: "replica", primary: "b", epoch: 5 });
  await expect(result).resolves.toBeUndefined();
});

it.each(["c", "a"])("has failed as soon as %s leads instead, and says so", async (primary) => {
  const { roles, result } = begin();
  roles.update({ role: "replica", primary, epoch: 5 });
  await expect(result).rejects.toMatchObject({ code: "switchover-failed", message: `${primary} took over, not b` });
});

it("has failed when nobody leads in time", async () => {
  const { result, timeOut } = begin();
  timeOut();
  await expect(result).rejects.toMatchObject({ code: "switchover-failed", message: /b did not take over in time/ });
});
