/** grpc.health.v1.Health: serving while there is a leader. */
import { healthCheckRequest, healthCheckResponse } from "../../proto/maintenance.ts";
import type { EtcdContext } from "../context.ts";
import { type Method, type Streaming, unary } from "../grpc.ts";

const serving = 1;
const notServing = 2;

export function healthMethods({ raft }: EtcdContext): readonly (readonly [string, Method])[] {
  const now = () => ({ status: raft.status().leader === undefined ? notServing : serving });
  const watch: Streaming = {
    open(call) {
      let unsubscribe = (): void => {};
      let told = 0;
      const tell = (): void => {
        const { status } = now();
        if (status !== told) call.send(healthCheckResponse.encode({ status }));
        told = status;
      };
      return {
        message() {},
        ended() {
          unsubscribe = raft.subscribe(tell);
        },
        closed: () => unsubscribe(),
      };
    },
  };
  return [
    ["/grpc.health.v1.Health/Check", unary(healthCheckRequest, healthCheckResponse, async () => now())],
    ["/grpc.health.v1.Health/Watch", watch],
  ];
}
