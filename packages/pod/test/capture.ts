import { createLogger } from "../src/logging/logger.ts";
import type { LogLevel } from "../src/logging/types.ts";

/** A logger whose lines can be looked at. */
export function captureLog(level: LogLevel = "debug") {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({ level, pretty: false, write: (line) => void lines.push(JSON.parse(line)) });
  return { logger, lines, messages: () => lines.map((line) => line.msg) };
}

/** Polls `condition` at every turn of the event loop, with a bound. */
export async function until(what: string, condition: () => unknown, withinMs = 5_000): Promise<void> {
  const endsAt = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > endsAt) throw new TypeError(`waited too long for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
