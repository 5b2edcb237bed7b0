/**
 * Decimal numbers added as Redis adds them: in the 80-bit format of x86 (64 bits of precision), written with 17 decimal places. Doubles
 * would let sums drift before the reader's eyes (0.1 + 0.2), and each machine its own way is no way for replicas to agree; whole
 * numbers of any size make it exact and the same everywhere.
 *
 * A number is `mantissa * 2^exponent`.
 */
interface Extended {
  readonly mantissa: bigint;
  readonly exponent: number;
}

const PRECISION_BITS = 64;
const MAX_EXPONENT = 16384;
/** Below the smallest number of the format there is only zero. */
const MIN_EXPONENT = -16446;
const DIGITS = 17n;
const UNIT = 10n ** DIGITS;
/** Decimal exponents beyond these leave the format whatever the digits before them, of which there are at most `MAX_TEXT`. */
const MAX_TEXT = 5120;
const MAX_DECIMAL_EXPONENT = 3 * MAX_TEXT;

const DECIMAL = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/;
const INFINITE = /^[+-]?inf(inity)?$/i;

export type Sum = string | "not a number" | "infinite";

/** The sum as text; what was given may itself be infinite. */
export function addDecimals(left: string, right: string): Sum {
  const [a, b] = [parse(left), parse(right)];
  if (a === undefined || b === undefined) return "not a number";
  if (a === "infinite" || b === "infinite") return "infinite";
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = rounded(aligned(a, exponent) + aligned(b, exponent), 1n, exponent);
  return sum === "infinite" ? sum : format(sum);
}

const aligned = ({ mantissa, exponent }: Extended, to: number): bigint => mantissa << BigInt(exponent - to);

/** Undefined for what is no number, or too close to zero to be told from it. */
function parse(text: string): Extended | "infinite" | undefined {
  if (text.length > MAX_TEXT) return undefined;
  if (INFINITE.test(text)) return "infinite";
  const [, sign, whole = "", fraction = "", power = "0"] = DECIMAL.exec(text) ?? [];
  if (sign === undefined || whole + fraction === "") return undefined;
  const digits = BigInt(whole + fraction) * (sign === "-" ? -1n : 1n);
  const exponent = Number(power) - fraction.length;
  if (digits === 0n) return { mantissa: 0n, exponent: 0 };
  if (Math.abs(exponent) > MAX_DECIMAL_EXPONENT) return undefined;
  const scale = 10n ** BigInt(Math.abs(exponent));
  const number = exponent < 0 ? rounded(digits, scale, 0) : rounded(digits * scale, 1n, 0);
  // Redis takes a number beyond the format for none, and one within it for what it is.
  return number === "infinite" || number.mantissa === 0n ? undefined : number;
}

/** The number of the format that is nearest to `numerator / denominator * 2^exponent`, the even one of two. */
function rounded(numerator: bigint, denominator: bigint, exponent: number): Extended | "infinite" {
  if (numerator === 0n) return { mantissa: 0n, exponent: 0 };
  const magnitude = numerator < 0n ? -numerator : numerator;
  const bits = bitLength(magnitude) - bitLength(denominator);
  // One bit more than is kept, at least.
  const shift = Math.min(PRECISION_BITS + 1 - bits, exponent - MIN_EXPONENT);
  const [top, bottom] =
    shift >= 0 ? [magnitude << BigInt(shift), denominator] : [magnitude, denominator << BigInt(-shift)];
  const extra = Math.max(0, bitLength(top / bottom) - PRECISION_BITS);
  const mantissa = nearest(top, bottom << BigInt(extra));
  const place = exponent - shift + extra;
  if (bitLength(mantissa) + place > MAX_EXPONENT) return "infinite";
  return { mantissa: numerator < 0n ? -mantissa : mantissa, exponent: place };
}

const bitLength = (value: bigint): number => (value === 0n ? 0 : value.toString(2).length);

/** The whole number nearest to a quotient of positive numbers, the even one of two. */
function nearest(top: bigint, bottom: bigint): bigint {
  const [quotient, twice] = [top / bottom, (top % bottom) * 2n];
  const isUp = twice > bottom || (twice === bottom && quotient % 2n === 1n);
  return isUp ? quotient + 1n : quotient;
}

/** Without zeros at the end, and without the sign of a zero. */
function format({ mantissa, exponent }: Extended): string {
  const magnitude = (mantissa < 0n ? -mantissa : mantissa) * UNIT;
  const scaled = exponent >= 0 ? magnitude << BigInt(exponent) : nearest(magnitude, 1n << BigInt(-exponent));
  const fraction = String(scaled % UNIT)
    .padStart(Number(DIGITS), "0")
    .replace(/0+$/, "");
  const text = fraction === "" ? String(scaled / UNIT) : `${scaled / UNIT}.${fraction}`;
  return mantissa < 0n && text !== "0" ? `-${text}` : text;
}
