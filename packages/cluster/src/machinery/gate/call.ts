/** Asks a webhook: one HTTPS request with an AdmissionReview, one back. */
import { request } from "node:https";
import { StatusError } from "../errors.ts";
import type { ApiObject } from "../types.ts";

export interface Destination {
  readonly url: URL;
  /** Where the connection goes, when not to the URL's own host. */
  readonly address?: string | undefined;
  /** PEM; the machine's own authorities when absent. */
  readonly ca?: string | undefined;
  readonly timeoutMs: number;
}

const maxAnswerBytes = 3 << 20;

/** Resolves with the review that came back. Rejects with an Error that says why there is none. */
export function askWebhook({ url, address, ca, timeoutMs }: Destination, review: ApiObject): Promise<ApiObject> {
  const body = Buffer.from(JSON.stringify(review));
  const fail = (why: string) =>
    new StatusError("InternalError", `failed to call webhook: Post ${JSON.stringify(url.href)}: ${why}`);
  return new Promise((resolve, reject) => {
    const refuse = (why: string) => {
      call.destroy();
      reject(fail(why));
    };
    const call = request(
      {
        host: address ?? url.hostname,
        port: url.port || 443,
        path: `${url.pathname}${url.search}`,
        method: "POST",
        servername: url.hostname,
        headers: { host: url.host, "content-type": "application/json", "content-length": body.length },
        agent: false,
        ...(ca !== undefined && { ca }),
        signal: AbortSignal.timeout(timeoutMs),
      },
      (response) => {
        const chunks: Buffer[] = [];
        let sizeBytes = 0;
        response.on("data", (chunk: Buffer) => {
          sizeBytes += chunk.length;
          if (sizeBytes > maxAnswerBytes) return refuse(`the answer has more than ${maxAnswerBytes} bytes`);
          chunks.push(chunk);
        });
        response.on("error", (error) => refuse(error.message));
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          if (response.statusCode !== 200)
            return refuse(`the server answered with ${response.statusCode}: ${text.slice(0, 200)}`);
          const answer = parse(text);
          return answer ? resolve(answer) : refuse("the answer is no JSON object");
        });
      },
    );
    call.on("error", (error) =>
      reject(
        fail(
          error.name === "AbortError" || error.name === "TimeoutError" ? "context deadline exceeded" : error.message,
        ),
      ),
    );
    call.end(body);
  });
}

function parse(text: string): ApiObject | undefined {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
