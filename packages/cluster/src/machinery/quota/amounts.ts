/** Lists of resources with their quantities, such as `{ cpu: "500m", pods: "3" }`. */
import { formatQuantity, parseQuantity } from "../quantity.ts";

export type Amounts = Readonly<Record<string, string>>;

const isBinary = (quantity: string): boolean => /i$/.test(quantity);

/** Written as the first of the two that is not zero is written. */
export function addQuantities(a: string, b: string): string {
  const first = parseQuantity(a) ? a : b;
  return formatQuantity((parseQuantity(a) ?? 0n) + (parseQuantity(b) ?? 0n), isBinary(first) ? "binary" : "decimal");
}

/** Written as `a` is. */
export const subtractQuantities = (a: string, b: string): string =>
  formatQuantity((parseQuantity(a) ?? 0n) - (parseQuantity(b) ?? 0n), isBinary(a) ? "binary" : "decimal");

export const isMore = (a: string, b: string): boolean => (parseQuantity(a) ?? 0n) > (parseQuantity(b) ?? 0n);

export function add(a: Amounts, b: Amounts): Amounts {
  const sum: Record<string, string> = { ...a };
  for (const [name, quantity] of Object.entries(b)) sum[name] = addQuantities(sum[name] ?? "0", quantity);
  return sum;
}

/** For each name the greater one. */
export function max(a: Amounts, b: Amounts): Amounts {
  const most: Record<string, string> = { ...a };
  for (const [name, quantity] of Object.entries(b)) if (isMore(quantity, most[name] ?? "0")) most[name] = quantity;
  return most;
}

/** Only the names in `names`. */
export const pick = (amounts: Amounts, names: readonly string[]): Amounts =>
  Object.fromEntries(Object.entries(amounts).filter(([name]) => names.includes(name)));

/** `cpu=500m,pods=3`, as refusals print it. */
export const formatAmounts = (amounts: Amounts): string =>
  Object.keys(amounts)
    .sort()
    .map((name) => `${name}=${amounts[name]}`)
    .join(",");
