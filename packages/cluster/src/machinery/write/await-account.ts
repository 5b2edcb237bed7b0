/** Patience with the service-account controller: a pod may come a moment before its namespace's account. */
import type { Storage } from "../storage/storage.ts";
import type { Clock } from "../types.ts";

const patienceMs = 1000;
const accounts = "serviceaccounts";

/** Resolves when the namespace has the account, or a second later. */
export function awaitAccount(storage: Storage, clock: Clock, namespace: string, name: string): Promise<void> {
  if (storage.latest(accounts, namespace, name)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      cancel();
      unlisten();
      resolve();
    };
    const cancel = clock.after(patienceMs, done);
    const unlisten = storage.listen(accounts, ({ type, object: { metadata } }) => {
      if (type === "ADDED" && metadata.namespace === namespace && metadata.name === name) done();
    });
  });
}
