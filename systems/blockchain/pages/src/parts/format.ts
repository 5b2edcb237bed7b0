const perCoin = 100_000_000n;

/** Satoshis as coins: `1.5`, `0.00000001`. */
export function coins(satoshis: number): string {
  const value = BigInt(Math.abs(satoshis));
  const fraction = (value % perCoin).toString().padStart(8, "0").replace(/0+$/, "");
  const whole = (value / perCoin).toString().replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return `${satoshis < 0 ? "−" : ""}${whole}${fraction && `.${fraction}`}`;
}

/** What a person typed, in satoshis; undefined when it is no amount. Digit by digit, because 0.1 is no binary fraction. */
export function satoshisOf(text: string): number | undefined {
  const [, whole, fraction = ""] = /^\s*(\d{1,8})(?:[.,](\d{1,8}))?\s*$/.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const value = Number(BigInt(whole) * perCoin + BigInt(fraction.padEnd(8, "0")));
  return value > 0 ? value : undefined;
}

export const short = (hash: string): string => (hash.length <= 20 ? hash : `${hash.slice(0, 10)}…${hash.slice(-8)}`);

export const time = (seconds: number): string =>
  new Date(seconds * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });

export const count = (value: number): string => value.toLocaleString();

const units = ["", "k", "M", "G", "T", "P", "E"];

/** With a prefix of thousands: `12.3 M`, `12.3 MH/s`. */
export function scaled(value: number, of = ""): string {
  let rest = value;
  let unit = 0;
  while (rest >= 1000 && unit < units.length - 1) {
    rest /= 1000;
    unit++;
  }
  return `${rest >= 100 || Number.isInteger(rest) ? Math.round(rest) : rest.toPrecision(3)} ${units[unit]}${of}`.trimEnd();
}

export function duration(seconds: number): string {
  const steps: readonly (readonly [number, string])[] = [
    [86_400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  const first = steps.findIndex(([size]) => seconds >= size);
  if (first < 0) return "0 s";
  const [size, name] = steps[first] as readonly [number, string];
  const next = steps[first + 1];
  const rest = next && Math.floor((seconds % size) / next[0]);
  return `${Math.floor(seconds / size)} ${name}${next && rest ? ` ${rest} ${next[1]}` : ""}`;
}
