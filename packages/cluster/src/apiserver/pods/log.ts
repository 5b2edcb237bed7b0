/** `kubectl logs`: checks which container is meant, then passes the kubelet's bytes on. */
import { pipeline } from "node:stream/promises";
import type { Pod } from "kubernetes-types/core/v1.js";
import type { LogOptions } from "../../kubelet/types.ts";
import { StatusError } from "../../machinery/errors.ts";
import { integer } from "../http/options.ts";
import { isTrue } from "../http/request-info.ts";
import { sendText } from "../http/respond.ts";
import { existing, type ResourceHandler } from "../resources/verbs.ts";

export const serveLog: ResourceHandler = async (context, call, resource) => {
  const { info, response } = call;
  const pod = existing(context, call, resource) as Pod;
  const options = logOptions(info.query, pod);
  if (!pod.spec?.nodeName) return sendText(response, 200, "");
  const abort = new AbortController();
  const signal = AbortSignal.any([abort.signal, context.stopping]);
  response.on("close", () => abort.abort());
  const log = await context.kubelet.logs({ namespace: info.namespace, name: info.name }, options, signal);
  response.writeHead(200, { "Content-Type": "text/plain", "Cache-Control": "no-cache, private" });
  response.flushHeaders(); // with `follow` the first line may be a long time away
  await pipeline(log, response).catch(() => response.destroy()); // the client left, or the log broke off
};

/** Throws BadRequest or Invalid as Kubernetes words it. */
export function logOptions(query: URLSearchParams, pod: Pod): LogOptions {
  const tailLines = integer(query, "tailLines");
  const sinceSeconds = integer(query, "sinceSeconds");
  const limitBytes = integer(query, "limitBytes");
  const sinceTime = query.get("sinceTime");
  check(pod, "tailLines", tailLines, 0);
  check(pod, "sinceSeconds", sinceSeconds, 1);
  check(pod, "limitBytes", limitBytes, 1);
  if (sinceTime && sinceSeconds !== undefined) throw bothTimes(pod);
  return {
    container: containerOf(query.get("container") ?? "", pod),
    follow: isTrue(query.get("follow")),
    previous: isTrue(query.get("previous")),
    timestamps: isTrue(query.get("timestamps")),
    ...(tailLines !== undefined && { tailLines }),
    ...(sinceSeconds !== undefined && { sinceSeconds }),
    ...(limitBytes !== undefined && { limitBytes }),
    ...(sinceTime && { sinceTime }),
  };
}

function containerOf(asked: string, { metadata, spec }: Pod): string {
  const names = (spec?.containers ?? []).map(({ name }) => name);
  const initNames = (spec?.initContainers ?? []).map(({ name }) => name);
  const ephemeralNames = (spec?.ephemeralContainers ?? []).map(({ name }) => name);
  if (asked !== "") {
    if ([...names, ...initNames, ...ephemeralNames].includes(asked)) return asked;
    throw new StatusError("BadRequest", `container ${asked} is not valid for pod ${metadata?.name}`);
  }
  const [only, ...others] = names;
  if (only !== undefined && others.length === 0 && initNames.length === 0 && ephemeralNames.length === 0) return only;
  throw mustChoose(metadata?.name ?? "", names, initNames, ephemeralNames);
}

function mustChoose(pod: string, names: string[], initNames: string[], ephemeralNames: string[]): StatusError {
  const init = initNames.length > 0 ? ` or one of the init containers: [${initNames.join(" ")}]` : "";
  const ephemeral =
    ephemeralNames.length > 0 ? ` or one of the ephemeral containers: [${ephemeralNames.join(" ")}]` : "";
  const message = `a container name must be specified for pod ${pod}, choose one of: [${names.join(" ")}]${init}${ephemeral}`;
  return new StatusError("BadRequest", message);
}

function check({ metadata }: Pod, field: string, value: number | undefined, least: number): void {
  if (value === undefined || value >= least) return;
  const bound = least === 0 ? "greater than or equal to 0" : "greater than 0";
  throw invalid(metadata?.name ?? "", field, `Invalid value: ${value}: must be ${bound}`);
}

const bothTimes = ({ metadata }: Pod) =>
  invalid(metadata?.name ?? "", "", "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified");

function invalid(name: string, field: string, message: string): StatusError {
  const text = `PodLogOptions "${name}" is invalid: ${field}: ${message}`;
  return new StatusError("Invalid", text, {
    name,
    kind: "PodLogOptions",
    causes: [{ reason: "FieldValueInvalid", message, field }],
  });
}
