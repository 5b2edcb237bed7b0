import { expect, it } from "vitest";
import { readSettings } from "../src/fault-settings.ts";

it("gives every setting the type that the table says", () => {
  expect(
    readSettings("api-error", ["pods=a,b", "code=409", "probability=0.5", "selector=app=web", "verbs=get"]),
  ).toEqual({ pods: ["a", "b"], code: 409, probability: 0.5, selector: "app=web", verbs: ["get"] });
  expect(readSettings("node-stop", ["node=node-1", "outOfService=true"])).toEqual({
    node: "node-1",
    outOfService: true,
  });
});

it.each([
  ["sabotage", [], "There is no fault sabotage. Kinds: kill, pause"],
  ["pause", ["speed=1"], "speed=1 is not a setting of pause, which takes namespace, pods, selector, durationMs"],
  ["pause", ["pods"], "pods is not a setting of pause"],
  ["clock-skew", ["rate=-1"], "rate takes a number from 0 to 1000, not -1."],
  ["clock-skew", ["offsetMs=soon"], "offsetMs takes a whole number from"],
  ["api-error", ["code=418"], "code takes one of 409, 410, 429, 500, 503, 504, not 418."],
  ["node-stop", ["outOfService=yes"], "outOfService takes true or false, not yes."],
])("refuses %s %j", (kind, words, message) => {
  expect(() => readSettings(kind, words)).toThrow(message);
});
