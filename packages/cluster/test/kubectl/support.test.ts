import { describe, expect, it } from "vitest";
import { patternOf } from "./support.ts";

describe("a row's pattern", () => {
  it("lets placeholders and widths differ, and nothing else", () => {
    const pattern = patternOf("NAME   AGE\nweb-{id}   {age}");
    expect("NAME  AGE\nweb-x7k2p  5m30s").toMatch(pattern);
    expect("NAME  AGE\nweb-x7k2p  old").not.toMatch(pattern);
    expect("NAME  AGE\nweb-x7k2p  5s\nmore").not.toMatch(pattern);
    expect("a.b").not.toMatch(patternOf("axb"));
  });
});
