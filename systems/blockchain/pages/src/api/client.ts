/** The node's REST API from a browser. */

/** What the API says when it refuses; `retryAfterSeconds` where it says when to come again. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, message: string, retryAfterSeconds?: number) {
    super(message);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

interface Envelope {
  readonly success: boolean;
  readonly data: unknown;
  readonly error: string | null;
}

export interface RequestOptions {
  readonly method?: "GET" | "POST" | "PUT";
  readonly body?: unknown;
  readonly key?: string | undefined;
  readonly signal?: AbortSignal;
}

/** `data` of the answer. Throws ApiError. */
export async function request<T>(path: string, { method = "GET", body, key, signal }: RequestOptions = {}): Promise<T> {
  const response = await fetch(path, {
    method,
    headers: {
      accept: "application/json",
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(key && { "x-api-key": key }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "The node does not answer.");
  });
  const answer = (await response.json().catch(() => undefined)) as Envelope | undefined;
  if (response.ok && answer?.success) return answer.data as T;
  const retryAfter = response.headers.get("retry-after");
  throw new ApiError(
    response.status,
    answer?.error ?? `The node answered ${response.status}.`,
    retryAfter === null ? undefined : Number(retryAfter),
  );
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
