/** Request bodies: read whole within the limit, then parsed as their content type says. */
import type { IncomingMessage } from "node:http";
import { StatusError } from "../../machinery/errors.ts";
import { jsonSyntaxError } from "../../machinery/json-error.ts";

/** The largest body that a Kubernetes API server takes. */
const maxBodyBytes = 3 * 1024 * 1024;
const maxAliases = 100;
const empty = Buffer.alloc(0);

/** Rejects with RequestEntityTooLarge (and stops reading) at the limit. */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  const declared = Number(request.headers["content-length"] ?? 0);
  if (declared > maxBodyBytes) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    request.on("data", (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes <= maxBodyBytes) chunks.push(chunk);
      else reject(tooLarge());
    });
    request.on("end", () => resolve(chunks.length === 1 ? (chunks[0] ?? empty) : Buffer.concat(chunks)));
    const ended = () => reject(new StatusError("BadRequest", "the request ended before its body did"));
    request.on("error", ended);
    request.on("close", () => request.complete || ended());
  });
}

const tooLarge = () =>
  new StatusError("RequestEntityTooLarge", `Request entity too large: limit is ${maxBodyBytes}`, {});

export type BodyFormat = "json" | "yaml" | "protobuf";

const formats: Readonly<Record<string, BodyFormat>> = {
  "": "json",
  "*/*": "json",
  "application/json": "json",
  "application/yaml": "yaml",
  "application/vnd.kubernetes.protobuf": "protobuf",
};

/** The media type of a Content-Type header, without its parameters. */
export function mediaType(header: string | undefined): string {
  if (header === undefined) return "";
  const end = header.indexOf(";");
  return (end < 0 ? header : header.slice(0, end)).trim().toLowerCase();
}

/** Parses the body of a create, update or delete. Throws UnsupportedMediaType or BadRequest. */
export async function parseBody(body: Buffer, contentType: string | undefined, kind: string): Promise<unknown> {
  const type = mediaType(contentType);
  const format = formats[type];
  if (format === undefined) throw unsupportedMediaType(type, acceptedTypes);
  if (format === "json") return parseJson(body, kind);
  return format === "yaml" ? parseYaml(body, kind) : parseProtobuf(body, kind);
}

const acceptedTypes = Object.keys(formats).filter((name) => name.startsWith("application/"));

/** The decoder and its schema are loaded with the first such body. */
async function parseProtobuf(body: Buffer, kind: string): Promise<unknown> {
  const { decodeProtobuf } = await import("../protobuf/decode.ts");
  try {
    return decodeProtobuf(body);
  } catch (error) {
    throw unrecognized(body, kind, (error as Error).message);
  }
}

export const unsupportedMediaType = (type: string, accepted: readonly string[]) =>
  new StatusError(
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`,
    { ...(type !== "" && { causes: [{ reason: "UnsupportedMediaType", message: type }] }) },
  );

function parseJson(body: Buffer, kind: string): unknown {
  const text = body.toString("utf8");
  try {
    return JSON.parse(text);
  } catch {
    throw unrecognized(body, kind, `couldn't get version/kind; json parse error: ${jsonSyntaxError(text)}`);
  }
}

/** Parses YAML; the library is loaded with the first such body. */
export async function parseYaml(body: Buffer, kind: string): Promise<unknown> {
  const { parse } = await import("yaml");
  try {
    return parse(body.toString("utf8"), { maxAliasCount: maxAliases });
  } catch (error) {
    throw unrecognized(body, kind, `error converting YAML to JSON: yaml: ${(error as Error).message}`);
  }
}

function unrecognized(body: Buffer, kind: string, reason: string): StatusError {
  const text = `the object provided is unrecognized (must be of type ${kind}): ${reason} (${summarize(body)})`;
  return new StatusError("BadRequest", text);
}

const summaryBytes = 30;

/** The beginning of a body as Kubernetes quotes it: text when it looks like JSON, otherwise hexadecimal. */
function summarize(body: Buffer): string {
  if (body.length === 0) return "<empty>";
  const encoding = body[0] === 0x7b ? "utf8" : "hex";
  const head = body.subarray(0, summaryBytes).toString(encoding);
  return body.length > summaryBytes ? `${head} ...` : head;
}
