import { messageOf } from "../errors.ts";
import type { HealthCheck, HealthReport } from "./types.ts";

/** A check that is slower than this is a failing one: probes have short timeouts of their own. */
const answerWithinMs = 1000;
const maxChecks = 100;

/** Named checks, run together. */
export class Checks {
  readonly #checks = new Map<string, HealthCheck>();

  /** A later check of the same name takes the earlier one's place. */
  add(name: string, check: HealthCheck): () => void {
    if (this.#checks.size >= maxChecks) this.#checks.delete(this.#checks.keys().next().value ?? "");
    this.#checks.set(name, check);
    return () => {
      if (this.#checks.get(name) === check) this.#checks.delete(name);
    };
  }

  async run(): Promise<HealthReport> {
    const results = await Promise.all(
      [...this.#checks].map(async ([name, check]) => [name, await reasonOf(check)] as const),
    );
    const status = results.every(([, reason]) => reason === undefined) ? "ok" : "failing";
    return { status, checks: Object.fromEntries(results.map(([name, reason]) => [name, reason ?? "ok"])) };
  }
}

async function reasonOf(check: HealthCheck): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, answerWithinMs, `no answer within ${answerWithinMs} ms`);
  });
  try {
    return await Promise.race([check(), late]);
  } catch (error) {
    return messageOf(error) || "failed";
  } finally {
    clearTimeout(timer);
  }
}
