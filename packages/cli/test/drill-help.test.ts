import { faultNames } from "@coracle/drill";
import { expect, it } from "vitest";
import { commands } from "../src/commands/table.ts";

it("coracle drill --help lists every fault", () => {
  const drill = commands.find(({ usage }) => usage.startsWith("drill "));
  const description = drill?.options?.find(({ flags }) => flags.startsWith("--fault"))?.description ?? "";
  expect(description.match(/[a-z]+(-[a-z]+)*/g)).toEqual(expect.arrayContaining([...faultNames]));
});
