/**
 * Kubernetes quantities (`100m`, `1.5Gi`, `2e3`), exact: a quantity is a whole number of billionths in a bigint, which is the finest
 * step that Kubernetes keeps. What is finer is rounded up, as there.
 */
import { StatusError } from "./errors.ts";

const nano = 1_000_000_000n;
const ten = (exponent: number) => 10n ** BigInt(exponent);

/** Suffix to its factor in billionths. */
const factors: Readonly<Record<string, bigint>> = {
  n: 1n,
  u: ten(3),
  m: ten(6),
  "": nano,
  k: ten(12),
  M: ten(15),
  G: ten(18),
  T: ten(21),
  P: ten(24),
  E: ten(27),
  Ki: nano << 10n,
  Mi: nano << 20n,
  Gi: nano << 30n,
  Ti: nano << 40n,
  Pi: nano << 50n,
  Ei: nano << 60n,
};

const pattern = /^([+-]?)(\d{0,40})(?:\.(\d{0,40}))?(?:([eE])([+-]?\d{1,2})|([numkMGTPE]|[KMGTPE]i)?)$/;

const divideUp = (value: bigint, by: bigint) => (value + by - 1n) / by;

/** The quantity in billionths of its unit, or undefined when the text is none. Numbers are read as their decimal text. */
export function parseQuantity(quantity: string | number): bigint | undefined {
  const match = pattern.exec(String(quantity));
  if (!match) return undefined;
  const [, sign, whole = "", fraction = "", , exponent, suffix = ""] = match;
  if (whole + fraction === "") return undefined;
  const power = Number(exponent ?? 0);
  const factor = (factors[suffix] as bigint) * ten(Math.max(power, 0));
  const magnitude = divideUp(BigInt(whole + fraction) * factor, ten(fraction.length + Math.max(-power, 0)));
  return sign === "-" ? -magnitude : magnitude;
}

/** Whether the text (or number) is a quantity. */
export const isQuantity = (value: unknown): boolean =>
  (typeof value === "string" || typeof value === "number") && parseQuantity(value) !== undefined;

function requireQuantity(quantity: string | number): bigint {
  const value = parseQuantity(quantity);
  if (value === undefined)
    throw new StatusError("BadRequest", `quantities must match the regular expression '${quantityPattern}'`);
  return value;
}

/** The expression that Kubernetes names when it refuses a quantity. */
export const quantityPattern = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$";

/** The quantity as a number of units, such as bytes or cores. Throws BadRequest. */
export const quantityValue = (quantity: string | number): number => Number(requireQuantity(quantity)) / Number(nano);

/** The quantity in thousandths, rounded up, such as millicores. Throws BadRequest. */
export const quantityMilli = (quantity: string | number): number =>
  Number(divideUp(requireQuantity(quantity), factors.m as bigint));

/** Negative, zero or positive, as `a` is less than, equal to or more than `b`. Throws BadRequest. */
export function compareQuantities(a: string | number, b: string | number): number {
  const difference = requireQuantity(a) - requireQuantity(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

export type QuantityFormat = "decimal" | "binary";

const scales: Readonly<Record<QuantityFormat, readonly string[]>> = {
  binary: ["Ei", "Pi", "Ti", "Gi", "Mi", "Ki", "", "m", "u", "n"],
  decimal: ["E", "P", "T", "G", "M", "k", "", "m", "u", "n"],
};

/** Billionths to the canonical text: the largest suffix that needs no fraction. */
export function formatQuantity(value: bigint, format: QuantityFormat): string {
  if (value === 0n) return "0";
  const suffix = scales[format].find((candidate) => value % (factors[candidate] as bigint) === 0n) as string;
  return `${value / (factors[suffix] as bigint)}${suffix}`;
}

/** The canonical text of a quantity (`1000m` is `1`, `1024Mi` is `1Gi`); what is no quantity is returned as text. */
export function canonicalQuantity(quantity: string | number): string {
  const value = parseQuantity(quantity);
  if (value === undefined) return String(quantity);
  if (/[eE][+-]?\d+$/.test(String(quantity))) return formatExponent(value);
  return formatQuantity(value, /i$/.test(String(quantity)) ? "binary" : "decimal");
}

/** Exponent notation stays so, with exponents that are multiples of three. */
function formatExponent(value: bigint): string {
  if (value === 0n) return "0";
  let exponent = -9;
  while (exponent < 18 && value % ten(exponent + 12) === 0n) exponent += 3;
  return exponent === 0 ? `${value / nano}` : `${value / ten(exponent + 9)}e${exponent}`;
}
