import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  isQuantity,
  parseQuantity,
  quantityMilli,
  quantityValue,
} from "../../src/machinery/quantity.ts";

describe("a quantity", () => {
  it.each([
    ["1000m", "1"],
    ["0.5", "500m"],
    ["1024Mi", "1Gi"],
    ["1536Mi", "1536Mi"],
    ["1.5Gi", "1536Mi"],
    ["100000k", "100M"],
    ["0", "0"],
    ["-1500m", "-1500m"],
    ["1e3", "1e3"],
    ["12e6", "12e6"],
    ["+1", "1"],
    [".5", "500m"],
    ["1.", "1"],
    ["0.0000000001", "1n"],
  ])("%s is %s", (text, canonical) => {
    expect(canonicalQuantity(text)).toBe(canonical);
  });

  it.each(["", "1.2.3", "Gi", "1 Gi", "1gi", "--1", "1KiB", "e3", "1e", "NaN"])("is not %j", (text) => {
    expect(isQuantity(text)).toBe(false);
  });

  it("reads as numbers", () => {
    expect(quantityValue("1Gi")).toBe(2 ** 30);
    expect(quantityMilli("0.1")).toBe(100);
    expect(quantityMilli("1n")).toBe(1);
    expect(compareQuantities("1", "1000m")).toBe(0);
    expect(compareQuantities("1Gi", "1G")).toBe(1);
  });

  it("survives being printed, in both forms", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }),
        fc.constantFrom("decimal", "binary"),
        (value, format) => {
          expect(parseQuantity(formatQuantity(value, format))).toBe(value);
        },
      ),
    );
  });

  it("is canonical after one step", () => {
    const text = fc
      .tuple(fc.nat(), fc.constantFrom("", "m", "k", "Mi", "Gi", "e3", "u"))
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, (quantity) => {
        expect(canonicalQuantity(canonicalQuantity(quantity))).toBe(canonicalQuantity(quantity));
      }),
    );
  });
});
