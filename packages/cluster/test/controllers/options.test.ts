import { describe, expect, it } from "vitest";
import { resolveOptions } from "../../src/controllers/options.ts";

describe("resolveOptions", () => {
  it("fills in defaults, also for an explicit undefined", () => {
    const options = resolveOptions({ volumesDir: "/v", nodeGracePeriodMs: undefined as never, maxTerminatedPods: 5 });
    expect(options).toMatchObject({ volumesDir: "/v", nodeGracePeriodMs: 40_000, maxTerminatedPods: 5 });
  });

  it.each([
    [{ volumesDir: "/v", gracePeriod: 1 }, "no option gracePeriod"],
    [{ volumesDir: "volumes" }, "absolute path"],
  ])("refuses %o", (settings, message) => {
    expect(() => resolveOptions(settings)).toThrow(message);
  });
});
