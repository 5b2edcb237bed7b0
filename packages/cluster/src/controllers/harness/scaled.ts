/** An `IntOrString` against `total`: a percentage is rounded up or down, a number is itself, absent is 0. */
export function scaledValue(value: string | number | undefined, total: number, round: "up" | "down"): number {
  if (value === undefined) return 0;
  if (typeof value === "number") return value;
  if (!value.endsWith("%")) return Number.parseInt(value, 10);
  const share = (Number.parseInt(value, 10) * total) / 100;
  return round === "up" ? Math.ceil(share) : Math.floor(share);
}
