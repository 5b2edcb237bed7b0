/** etcd's npm client with the retries that it comes with, writing all the time: whatever reaches its caller is what a user would notice. */
import { Etcd3 } from "etcd3";

export interface RetryingWriter {
  /** What reached the caller; empty when nobody noticed anything. */
  readonly errors: readonly string[];
  count(): number;
  stop(): Promise<void>;
}

/** `width` writes at a time; each is read back, and must be what was written. */
export function startRetryingWriter(hosts: readonly string[], width: number): RetryingWriter {
  const client = new Etcd3({ hosts: [...hosts] });
  const errors: string[] = [];
  let [count, isStopping] = [0, false];
  const run = async (key: string): Promise<void> => {
    for (let n = 0; !isStopping; n++) {
      try {
        await client.put(key).value(n);
        const read = await client.get(key).number();
        if (read !== n) errors.push(`${key} is ${read}, and ${n} was written`);
        count++;
      } catch (error) {
        errors.push(String(error));
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const running = Array.from({ length: width }, (_, n) => run(`writer/${n}`));
  return {
    errors,
    count: () => count,
    async stop() {
      isStopping = true;
      await Promise.all(running);
      client.close();
    },
  };
}
