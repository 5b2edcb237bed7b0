export type LogLevel = "debug" | "info" | "warn" | "error";

export type LogFields = Readonly<Record<string, unknown>>;

/** Structured lines: a short constant message, everything variable in `fields`. An `Error` in a field is written with its code and causes. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to each line. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  /** Default: `LOG_LEVEL`, else info. */
  readonly level?: LogLevel;
  /** Fields on each line, such as `{ pod, system }`. */
  readonly fields?: LogFields;
  /** One line per call, newline included. Default: standard output. */
  readonly write?: (line: string) => void;
  /** Readable lines instead of JSON. Default: whether standard output is a terminal. */
  readonly pretty?: boolean;
  readonly env?: Readonly<Record<string, string | undefined>>;
}
