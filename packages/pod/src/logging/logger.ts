import { jsonLine, prettyLine } from "./format.ts";
import type { LogFields, Logger, LoggerOptions, LogLevel } from "./types.ts";

const order: Readonly<Record<LogLevel, number>> = { debug: 10, info: 20, warn: 30, error: 40 };

interface Sink {
  readonly threshold: number;
  put(level: LogLevel, message: string, fields: LogFields): void;
}

/**
 * A logger of our own rather than a library's: these hundred lines cost a pod no import time, and a line is written with one
 * synchronous-when-piped write, so the last words of a crash are not lost in a worker's queue.
 */
export function createLogger(options: LoggerOptions = {}): Logger {
  const { env = process.env, write = (line) => void process.stdout.write(line) } = options;
  const level = options.level ?? levelOf(env.LOG_LEVEL);
  const format = (options.pretty ?? process.stdout.isTTY === true) ? prettyLine : jsonLine;
  const put: Sink["put"] = (at, message, fields) => write(format({ time: new Date(), level: at, message, fields }));
  return new SinkLogger({ threshold: order[level], put }, options.fields ?? {});
}

/** Swallows everything: the default of parts that take a logger. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};

/** An unknown level must not keep a pod from starting; info shows what matters. */
const levelOf = (text: string | undefined): LogLevel => {
  const level = text?.toLowerCase() ?? "";
  return level in order ? (level as LogLevel) : "info";
};

class SinkLogger implements Logger {
  readonly #sink: Sink;
  readonly #fields: LogFields;

  constructor(sink: Sink, fields: LogFields) {
    this.#sink = sink;
    this.#fields = fields;
  }

  debug(message: string, fields?: LogFields): void {
    this.#log("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#log("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#log("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#log("error", message, fields);
  }

  child(fields: LogFields): Logger {
    return new SinkLogger(this.#sink, { ...this.#fields, ...fields });
  }

  #log(level: LogLevel, message: string, fields: LogFields | undefined): void {
    if (order[level] >= this.#sink.threshold) this.#sink.put(level, message, { ...this.#fields, ...fields });
  }
}
