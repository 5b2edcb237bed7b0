/** The node itself. */
import { parseAddress } from "../../address/address.ts";
import { scriptOf } from "../../address/scripts.ts";
import { messageOf } from "../../errors.ts";
import { type RpcContext, type RpcMethod, rpc } from "../context.ts";
import { RpcError } from "../errors.ts";
import { optional, param } from "../method.ts";

function validate({ chain }: RpcContext, address: string): object {
  try {
    const destination = parseAddress(address, chain.network);
    const isWitness = "program" in destination;
    return {
      isvalid: true,
      address,
      scriptPubKey: scriptOf(destination).toString("hex"),
      isscript: destination.kind === "scripthash" || destination.kind === "witness_v0_scripthash",
      iswitness: isWitness,
      ...(isWitness && {
        witness_version: witnessVersion(destination),
        witness_program: destination.program.toString("hex"),
      }),
    };
  } catch (error) {
    return { isvalid: false, error_locations: [], error: messageOf(error) };
  }
}

function witnessVersion(destination: ReturnType<typeof parseAddress>): number {
  if (destination.kind === "witness_unknown") return destination.version;
  return destination.kind === "witness_v1_taproot" ? 1 : 0;
}

function memory(): object {
  const { heapTotal, heapUsed, rss } = process.memoryUsage();
  return {
    locked: { used: heapUsed, free: heapTotal - heapUsed, total: rss, locked: 0, chunks_used: 0, chunks_free: 0 },
  };
}

/** `methods` is the whole table, this row included; it is read when the row runs. */
export const controlMethods = (methods: () => readonly RpcMethod[]): readonly RpcMethod[] => [
  rpc("help", "Control", "what there is", { command: optional(param.string("only this method")) }, (_, { command }) =>
    command === undefined ? listing(methods()) : page(methods(), command),
  ),
  rpc("uptime", "Control", "seconds since the start", {}, ({ startedAtMs }) =>
    Math.floor((Date.now() - startedAtMs) / 1000),
  ),
  rpc("getmemoryinfo", "Control", "memory", { mode: optional(param.string("ignored")) }, memory),
  rpc("stop", "Control", "ends this node", { wait: optional(param.integer("ignored")) }, (context) => {
    context.stop();
    return "Coracle blockchain stopping";
  }),
  rpc(
    "setmocktime",
    "Hidden",
    "sets the clock (regtest)",
    { timestamp: param.integer("seconds; 0: the real time", 0) },
    ({ setMockTime }, { timestamp }) => {
      if (setMockTime === undefined)
        throw new RpcError("misc", "setmocktime is for regression testing (-regtest mode) only");
      setMockTime(timestamp === 0 ? undefined : timestamp);
      return null;
    },
  ),
  rpc("validateaddress", "Util", "what an address is", { address: param.string("address") }, (context, { address }) =>
    validate(context, address),
  ),
];

function listing(methods: readonly RpcMethod[]): string {
  const categories = [...new Set(methods.map(({ category }) => category))].filter((name) => name !== "Hidden").sort();
  return categories
    .map((category) => {
      const lines = methods.filter((method) => method.category === category).map(usage);
      return [`== ${category} ==`, ...lines.sort()].join("\n");
    })
    .join("\n\n");
}

const usage = ({ name, parameters }: RpcMethod): string =>
  [name, ...Object.entries(parameters).map(([key, { isOptional }]) => (isOptional ? `( ${key} )` : key))].join(" ");

function page(methods: readonly RpcMethod[], name: string): string {
  const method = methods.find((each) => each.name === name);
  if (method === undefined) return `help: unknown command: ${name}`;
  const lines = Object.entries(method.parameters).map(
    ([key, { help, isOptional }]) => `  ${key}${isOptional ? " (optional)" : ""}: ${help}`,
  );
  return [usage(method), "", method.help, ...lines].join("\n");
}
