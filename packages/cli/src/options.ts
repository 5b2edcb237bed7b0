import { CliError } from "./errors.ts";

/** A whole number given as an option. Rejects anything else by naming the option and its range. */
export function numberOption(
  flag: string,
  value: string | boolean | undefined,
  { min, max, otherwise }: { readonly min: number; readonly max: number; readonly otherwise: number },
): number {
  if (value === undefined) return otherwise;
  const parsed = Number(value);
  if (!Number.isInteger(parsed) || parsed < min || parsed > max)
    throw new CliError(`${flag} takes a whole number from ${min} to ${max}, not ${value}.`, { exitCode: 2 });
  return parsed;
}
