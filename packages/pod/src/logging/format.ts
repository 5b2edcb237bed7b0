import { loggable } from "./redact.ts";
import type { LogFields, LogLevel } from "./types.ts";

export interface LogLine {
  readonly time: Date;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** One JSON object per line: time, level, message, then the fields. A field can't shadow the first three. */
export function jsonLine({ time, level, message, fields }: LogLine): string {
  const head = { time: time.toISOString(), level, msg: message };
  return `${JSON.stringify({ ...head, ...(loggable(fields) as object), ...head })}\n`;
}

const colours: Readonly<Record<LogLevel, number>> = { debug: 90, info: 36, warn: 33, error: 31 };

/** For people at a terminal: `12:34:56.789 INFO  message key=value`, stacks below. */
export function prettyLine({ time, level, message, fields }: LogLine): string {
  const clock = time.toISOString().slice(11, 23);
  const word = `\u001b[${colours[level]}m${level.toUpperCase().padEnd(5)}\u001b[39m`;
  const pairs = Object.entries(loggable(fields) as object).map(
    ([key, value]) => ` \u001b[2m${key}=\u001b[22m${short(value)}`,
  );
  return `${clock} ${word} ${message}${pairs.join("")}${stacks(fields)}\n`;
}

function short(value: unknown): string {
  if (typeof value === "string") return /^[\w.:/@-]+$/.test(value) ? value : JSON.stringify(value);
  if (typeof value === "object" && value !== null && "message" in value) return JSON.stringify(value.message);
  return JSON.stringify(value) ?? String(value);
}

const stacks = (fields: LogFields): string =>
  Object.values(fields)
    .filter((value) => value instanceof Error)
    .map((error) => `\n  ${(error.stack ?? "").split("\n").slice(1).join("\n  ")}`)
    .join("");
