/** The two messages of grpc.health.v1 in protobuf, each in gRPC's five-byte frame. https://github.com/grpc/grpc/blob/master/doc/health-checking.md */

const statuses = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"] as const;

export type HealthStatus = (typeof statuses)[number];

const frameHeaderBytes = 5;
const serviceTag = 0x0a;
const statusTag = 0x08;

/** HealthCheckRequest with its `service`, at most 127 bytes long. */
export function encodeHealthRequest(service: string): Buffer {
  const name = Buffer.from(service).subarray(0, 127);
  const message = name.length > 0 ? Buffer.concat([Buffer.from([serviceTag, name.length]), name]) : Buffer.alloc(0);
  const header = Buffer.alloc(frameHeaderBytes);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

/** The `status` of a HealthCheckResponse; UNKNOWN for anything else. */
export function decodeHealth(frame: Buffer): HealthStatus {
  const message = frame.subarray(frameHeaderBytes);
  return (message[0] === statusTag ? statuses[message[1] ?? 0] : undefined) ?? "UNKNOWN";
}
