/** The parameters of faults: what each takes, in which unit and range. One description serves types, validation, help and the command line. */

export interface Parameter<T, Needed extends boolean = boolean> {
  /** What it means, with its default. */
  readonly help: string;
  readonly isRequired: Needed;
  /** What it takes, for help and refusals: `a whole number from 1 to 100`. */
  readonly takes: string;
  readonly accepts: (value: unknown) => boolean;
  /** In the words of OpenAPI. */
  readonly schema: { readonly type: string; readonly items?: { readonly type: string } };
  /** Reads what a command line gives; what it makes of nonsense, `accepts` refuses. */
  readonly parse: (text: string) => unknown;
  /** Never set: carries the type. */
  readonly sample?: T;
}

export type Parameters = Readonly<Record<string, Parameter<unknown>>>;

type TypeOf<P> = P extends Parameter<infer T> ? T : never;

/** The values that parameters describe. */
export type ValuesOf<P extends Parameters> = {
  readonly [K in keyof P as P[K] extends Parameter<unknown, true> ? K : never]: TypeOf<P[K]>;
} & { readonly [K in keyof P as P[K] extends Parameter<unknown, true> ? never : K]?: TypeOf<P[K]> | undefined };

interface Range {
  readonly min: number;
  readonly max: number;
}

const isWithin = (value: unknown, { min, max }: Range): value is number =>
  typeof value === "number" && value >= min && value <= max;

export const integer = (help: string, range: Range): Parameter<number, false> => ({
  help,
  isRequired: false,
  takes: `a whole number from ${range.min} to ${range.max}`,
  schema: { type: "integer" },
  accepts: (value) => Number.isInteger(value) && isWithin(value, range),
  parse: Number,
});

export const number = (help: string, range: Range): Parameter<number, false> => ({
  help,
  isRequired: false,
  takes: `a number from ${range.min} to ${range.max}`,
  schema: { type: "number" },
  accepts: (value) => isWithin(value, range),
  parse: Number,
});

export const boolean = (help: string): Parameter<boolean, false> => ({
  help,
  isRequired: false,
  takes: "true or false",
  schema: { type: "boolean" },
  accepts: (value) => typeof value === "boolean",
  parse: (text) => (text === "true" ? true : text === "false" ? false : text),
});

const maxTextLength = 1024;

const isText = (value: unknown): boolean =>
  typeof value === "string" && value.length > 0 && value.length <= maxTextLength;

export const text = (help: string): Parameter<string, false> => ({
  help,
  isRequired: false,
  takes: "a text",
  schema: { type: "string" },
  accepts: isText,
  parse: (given) => given,
});

const maxTexts = 256;

export const texts = (help: string): Parameter<readonly string[], false> => ({
  help,
  isRequired: false,
  takes: `a list of 1 to ${maxTexts} texts`,
  schema: { type: "array", items: { type: "string" } },
  accepts: (value) => Array.isArray(value) && value.length > 0 && value.length <= maxTexts && value.every(isText),
  parse: (given) => given.split(","),
});

export const choice = <const T extends string | number>(help: string, choices: readonly T[]): Parameter<T, false> => ({
  help,
  isRequired: false,
  takes: `one of ${choices.join(", ")}`,
  schema: { type: typeof choices[0] === "number" ? "integer" : "string" },
  accepts: (value) => (choices as readonly unknown[]).includes(value),
  parse: (given) => choices.find((each) => String(each) === given) ?? given,
});

/** The same parameter, which must be there. */
export const needed = <T>(parameter: Parameter<T>): Parameter<T, true> => ({ ...parameter, isRequired: true });
