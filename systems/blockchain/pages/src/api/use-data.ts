import { useCallback, useEffect, useState } from "react";
import { request } from "./client.ts";

export interface Loaded<T> {
  /** Of the last answer, also while a newer one is awaited. */
  readonly data: T | undefined;
  readonly error: unknown;
  reload(): void;
}

/** What the API answers to `path`, asked again when the path, the key or `version` changes. Undefined asks nothing. */
export function useData<T>(
  path: string | undefined,
  options: { readonly key?: string | undefined; readonly version?: unknown } = {},
): Loaded<T> {
  const { key, version } = options;
  const [state, setState] = useState<{ readonly path?: string; readonly data?: T; readonly error?: unknown }>({});
  const [turn, setTurn] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: version and turn ask again
  useEffect(() => {
    if (path === undefined) return;
    const abort = new AbortController();
    request<T>(path, { key, signal: abort.signal }).then(
      (data) => setState({ path, data }),
      (error) => {
        if (!abort.signal.aborted)
          setState((now) => ({ ...(now.path === path && { path, data: now.data }), error }) as typeof now);
      },
    );
    return () => abort.abort();
  }, [path, key, version, turn]);
  const reload = useCallback(() => setTurn((now) => now + 1), []);
  // What belongs to another path is not shown as this one's.
  const isOwn = state.path === path;
  return { data: isOwn ? state.data : undefined, error: state.error, reload };
}
