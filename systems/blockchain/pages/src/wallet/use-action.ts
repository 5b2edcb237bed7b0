import { useState } from "react";

/** One thing that a form does: not twice at once, and what went wrong is kept to be shown. */
export function useAction<A extends readonly unknown[]>(action: (...args: A) => Promise<void>) {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const run = async (...args: A): Promise<void> => {
    if (isBusy) return;
    setBusy(true);
    setError(undefined);
    try {
      await action(...args);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return { run: (...args: A) => void run(...args), isBusy, error };
}
