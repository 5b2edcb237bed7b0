/**
 * `/openapi/v2` as protobuf (gnostic's `openapi.v2.Document`), the only form that kubectl takes there. It asks for it when OpenAPI v3 does not
 * know a kind; what it needs then is a document that it can read and that does not know the kind either, so that it goes on to say so itself.
 */
import type { IncomingMessage } from "node:http";

export const protoMediaType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/** kubectl writes `@` where the answer has a dot. */
export const wantsProto = ({ headers }: IncomingMessage): boolean =>
  /application\/com\.github\.proto-openapi\.spec\.v2[@.]v1\.0\+protobuf/.test(headers.accept ?? "");

/** A length-delimited field; all of these are shorter than 128 bytes, so that a length is one byte. */
const field = (number: number, content: Buffer | string): Buffer => {
  const bytes = Buffer.from(content as string);
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
};

/** A document with its head and without paths: fields swagger, info and paths. */
export const emptyDocument = ({ title, version }: { title: string; version: string }): Buffer =>
  Buffer.concat([
    field(1, "2.0"),
    field(2, Buffer.concat([field(1, title), field(2, version)])),
    field(8, Buffer.alloc(0)),
  ]);
