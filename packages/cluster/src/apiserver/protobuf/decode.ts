/**
 * Protobuf bodies to JSON objects. Go clients (kubectl 1.32 and later among them) send the kinds that they know in protobuf whatever the server
 * prefers, so they have to be understood; answers are JSON, which those clients accept.
 */
import type { JsonObject } from "../../machinery/json.ts";
import { setOwn } from "../../machinery/json.ts";
import { type RawField, readFields, WireError } from "./reader.ts";
import { messageOf, messageOfKind, type WireField } from "./schema.ts";

const magic = Buffer.from("k8s\0");
const maxDepth = 64;

/** Decodes a body with Kubernetes' envelope (`k8s\0` and a runtime.Unknown). Throws WireError. */
export function decodeProtobuf(body: Buffer): JsonObject {
  if (!body.subarray(0, magic.length).equals(magic))
    throw new WireError("provided data does not appear to be a protobuf message");
  const envelope = new Map([...readFields(body.subarray(magic.length))].map(({ number, value }) => [number, value]));
  const type = new Map([...readFields(bytesOf(envelope.get(1)))].map(({ number, value }) => [number, value]));
  const apiVersion = bytesOf(type.get(1)).toString();
  const kind = bytesOf(type.get(2)).toString();
  const message = messageOfKind(apiVersion, kind);
  if (messageOf(message) === undefined)
    throw new WireError(`no protobuf schema for ${kind} in ${apiVersion}; send it as JSON`);
  return { apiVersion, kind, ...decodeMessage(message, bytesOf(envelope.get(2)), 0) };
}

const bytesOf = (value: number | Buffer | undefined): Buffer => {
  if (value === undefined) return Buffer.alloc(0);
  if (typeof value === "number") throw new WireError("a message was expected");
  return value;
};

function decodeMessage(name: string, bytes: Buffer, depth: number): JsonObject {
  if (depth > maxDepth) throw new WireError("messages are nested too deep");
  const schema = messageOf(name);
  const object: JsonObject = {};
  for (const raw of readFields(bytes)) {
    const field = schema?.get(raw.number);
    if (field !== undefined) addField(object, field, raw, depth);
  }
  return object;
}

function addField(object: JsonObject, field: WireField, raw: RawField, depth: number): void {
  if (field.isMap) {
    addEntry(object, field, bytesOf(raw.value), depth);
    return;
  }
  const value = decodeValue(field, raw.value, depth + 1);
  if (field.isList) {
    const list = (object[field.name] ?? []) as unknown[];
    list.push(value);
    object[field.name] = list;
  } else if (field.isEmbedded) Object.assign(object, value);
  else if (field.isNullable || !isZero(value)) object[field.name] = value;
}

/** A map's entry is a message of key (1) and value (2); either is absent when it is zero. */
function addEntry(object: JsonObject, field: WireField, entry: Buffer, depth: number): void {
  const map = (object[field.name] ?? {}) as JsonObject;
  object[field.name] = map;
  let key = "";
  let value: number | Buffer = Buffer.alloc(0);
  for (const raw of readFields(entry)) {
    if (raw.number === 1) key = bytesOf(raw.value).toString();
    else value = raw.value;
  }
  setOwn(map, key, decodeValue(field, value, depth + 1));
}

/** What Go leaves out of JSON when a field can't be null. */
const isZero = (value: unknown): boolean =>
  value === "" ||
  value === 0 ||
  value === false ||
  value === null ||
  (typeof value === "object" && Object.keys(value).length === 0);

function decodeValue(field: WireField, value: number | Buffer, depth: number): unknown {
  if ("message" in field.type) {
    const { message } = field.type;
    const special = specials[message];
    return special === undefined ? decodeMessage(message, bytesOf(value), depth) : special(bytesOf(value));
  }
  const { scalar } = field.type;
  if (scalar === "s") return bytesOf(value).toString();
  if (scalar === "y") return bytesOf(value).toString("base64");
  return scalar === "b" ? value === 1 : Number(value);
}

type Special = (bytes: Buffer) => unknown;

/** Messages whose JSON is not an object of their fields. */
const specials: Readonly<Record<string, Special>> = {
  "meta.v1.Time": (bytes) => timestamp(bytes, 0),
  "meta.v1.MicroTime": (bytes) => timestamp(bytes, 6),
  "meta.v1.FieldsV1": rawJson,
  "runtime.RawExtension": rawJson,
  "api.resource.Quantity": (bytes) => bytesOf(firstOf(bytes)).toString(),
  "util.intstr.IntOrString": intOrString,
  "authentication.v1.ExtraValue": strings,
  "authorization.v1.ExtraValue": strings,
};

const firstOf = (bytes: Buffer): number | Buffer | undefined =>
  [...readFields(bytes)].find(({ number }) => number === 1)?.value;

function strings(bytes: Buffer): string[] {
  return [...readFields(bytes)].map(({ value }) => bytesOf(value).toString());
}

/** RFC 3339 with `digits` of a second; null for the zero time. */
function timestamp(bytes: Buffer, digits: number): string | null {
  const [seconds = 0, nanos = 0] = numbersOf(bytes);
  if (seconds === 0 && nanos === 0) return null;
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) throw new WireError("a time is out of range");
  const fraction = digits === 0 ? "" : `.${String(nanos).padStart(9, "0").slice(0, digits)}`;
  return `${date.toISOString().slice(0, 19)}${fraction}Z`;
}

function numbersOf(bytes: Buffer): number[] {
  const numbers: number[] = [];
  for (const { number, value } of readFields(bytes))
    if (number <= 2 && typeof value === "number") numbers[number - 1] = value;
  return numbers;
}

function intOrString(bytes: Buffer): number | string {
  const [type = 0, number = 0] = numbersOf(bytes);
  if (type === 0) return number;
  const text = [...readFields(bytes)].find((field) => field.number === 3)?.value;
  return bytesOf(text).toString();
}

function rawJson(bytes: Buffer): unknown {
  const raw = bytesOf(firstOf(bytes)).toString();
  if (raw === "") return null;
  try {
    return JSON.parse(raw);
  } catch {
    throw new WireError("an embedded object is not JSON");
  }
}
