/** Finds the row of a call and runs it. */
import type { RpcContext, RpcMethod } from "./context.ts";
import { RpcError } from "./errors.ts";
import { readParameters } from "./method.ts";
import type { Invoke } from "./server/protocol.ts";

export function createInvoke(context: RpcContext, methods: readonly RpcMethod[]): Invoke {
  const table = new Map(methods.map((method) => [method.name, method]));
  return async (name, params, call) => {
    const method = table.get(name);
    if (method === undefined) throw new RpcError("methodNotFound", "Method not found");
    return method.run(context, readParameters(method, params), call);
  };
}
