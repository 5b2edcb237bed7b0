// Writes src/apiserver/protobuf/wire-schema.ts: the field numbers of the kinds that clients may send in protobuf. Go programs carry their
// protobuf descriptors (gzip) inside; this reads them out of an installed kubectl. Run it again when a new Kubernetes adds fields:
//   node packages/cluster/scripts/wire-schema.mjs [path of kubectl]
import { execFileSync } from "node:child_process";
import { readFileSync, realpathSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const kubectl = process.argv[2] ?? execFileSync("which", ["kubectl"], { encoding: "utf8" }).trim();
const output = new URL("../src/apiserver/protobuf/wire-schema.ts", import.meta.url);

/** Kinds that are sent whole, by API group as descriptors name it. */
const roots = {
  "apps.v1": ["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"],
  "authentication.v1": ["SelfSubjectReview", "TokenRequest", "TokenReview"],
  "authorization.v1": [
    "LocalSubjectAccessReview",
    "SelfSubjectAccessReview",
    "SelfSubjectRulesReview",
    "SubjectAccessReview",
  ],
  "autoscaling.v1": ["Scale", "HorizontalPodAutoscaler"],
  "autoscaling.v2": ["HorizontalPodAutoscaler"],
  "batch.v1": ["CronJob", "Job"],
  "coordination.v1": ["Lease"],
  "core.v1": [
    ...[
      "Binding",
      "ConfigMap",
      "Endpoints",
      "Event",
      "LimitRange",
      "Namespace",
      "Node",
      "PersistentVolume",
      "PersistentVolumeClaim",
    ],
    ...["Pod", "PodTemplate", "ReplicationController", "ResourceQuota", "Secret", "Service", "ServiceAccount"],
  ],
  "discovery.v1": ["EndpointSlice"],
  "events.v1": ["Event"],
  "meta.v1": ["DeleteOptions"],
  "networking.v1": ["Ingress", "IngressClass", "NetworkPolicy"],
  "policy.v1": ["Eviction", "PodDisruptionBudget"],
  "rbac.v1": ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
  "scheduling.v1": ["PriorityClass"],
  "storage.v1": ["StorageClass"],
};

// FileDescriptorProto and its parts: https://protobuf.dev/reference/cpp/api-docs/google.protobuf.descriptor.pb
const scalarCodes = { 3: "i", 4: "i", 5: "i", 8: "b", 9: "s", 12: "y", 13: "i", 1: "d" };
const gogoNullable = 65001;
/** Fields that Go embeds: their own fields stand directly in the parent's JSON. Descriptors do not tell. */
const embedded = new Set([
  ...[
    "ephemeralContainerCommon",
    "handler",
    "ingressRuleValue",
    "localObjectReference",
    "persistentVolumeSource",
    "volumeSource",
  ],
]);

function* fieldsOf(bytes) {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const wire = key & 7;
    if (wire === 0) yield [Math.floor(key / 8), varint()];
    else {
      const size = wire === 2 ? varint() : wire === 1 ? 8 : 4;
      yield [Math.floor(key / 8), bytes.subarray(at, at + size)];
      at += size;
    }
  }
}

const shortName = (name) => name.replace(/^\.?k8s\.io\.(api|apimachinery\.pkg\.apis|apimachinery\.pkg)\.(?=[a-z])/, "");

const messages = new Map();

function readMessage(bytes, prefix) {
  const entries = [...fieldsOf(bytes)];
  const name = `${prefix}.${entries.find(([n]) => n === 1)[1]}`;
  const isMap = entries.some(
    ([n, value]) => n === 7 && [...fieldsOf(value)].some(([option, on]) => option === 7 && on),
  );
  messages.set(name, { isMap, fields: entries.filter(([n]) => n === 2).map(([, value]) => readField(value)) });
  for (const [n, value] of entries) if (n === 3) readMessage(value, name);
}

function readField(bytes) {
  const field = Object.fromEntries(fieldsOf(bytes));
  const options = Object.fromEntries(fieldsOf(field[8] ?? new Uint8Array()));
  return {
    number: field[3],
    name: String(field[1]),
    isRepeated: field[4] && Number(field[4]) === 3,
    type: Number(field[5]),
    typeName: field[6] && String(field[6]).slice(1),
    isNullable: options[gogoNullable] !== 0,
    isEmbedded: embedded.has(String(field[1])),
  };
}

/** `number name code`, where the code is `?` (may be null), `~` (its fields belong to the parent), `*` (a list), `%` (a map), then a scalar or `@message`. */
function encodeField(field, wanted) {
  const target = field.typeName && messages.get(field.typeName);
  if (target?.isMap) return `${field.number} ${field.name} %${valueCode(target.fields[1], wanted)}`;
  const flags = `${field.isNullable && !field.isRepeated ? "?" : ""}${field.isEmbedded ? "~" : ""}${field.isRepeated ? "*" : ""}`;
  return `${field.number} ${field.name} ${flags}${valueCode(field, wanted)}`;
}

function valueCode(field, wanted) {
  if (field.typeName === undefined) return scalarCodes[field.type];
  wanted.push(field.typeName);
  return `@${shortName(field.typeName)}`;
}

const binary = readFileSync(realpathSync(kubectl));
const magic = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
for (let at = binary.indexOf(magic); at >= 0; at = binary.indexOf(magic, at + 1)) {
  let file;
  try {
    file = gunzipSync(binary.subarray(at, at + 400_000), { finishFlush: 2 });
  } catch {
    continue;
  }
  if (!file.subarray(0, 120).includes("generated.proto")) continue;
  const entries = [...fieldsOf(file)];
  const namespace = String(entries.find(([n]) => n === 2)[1]);
  for (const [n, value] of entries) if (n === 4) readMessage(value, namespace);
}

const byShortName = new Map([...messages.keys()].map((name) => [shortName(name), name]));
const wanted = Object.entries(roots).flatMap(([group, kinds]) =>
  kinds.map((kind) => byShortName.get(`${group}.${kind}`)),
);
const schema = {};
for (const name of wanted) {
  if (schema[shortName(name)] !== undefined) continue;
  schema[shortName(name)] = "";
  schema[shortName(name)] = messages
    .get(name)
    .fields.map((field) => encodeField(field, wanted))
    .join(", ");
}
const lines = Object.entries(schema)
  .map(([name, fields]) => `${name}: ${fields}`)
  .sort();
const comment = `/**
 * Field numbers of Kubernetes' protobuf messages, one message a line: \`NAME: NUMBER FIELD CODE, ...\`. A code is flags and a type. Flags:
 * \`?\` may be null (so that a zero is meant), \`~\` its fields stand in the parent, \`*\` a list, \`%\` a map from strings. Types: \`s\` string,
 * \`i\` integer, \`b\` boolean, \`y\` bytes, \`d\` double, \`@NAME\` a message. Written by scripts/wire-schema.mjs.
 */`;
writeFileSync(output, `${comment}\nexport const wireSchema = \`\n${lines.join("\n")}\n\`;\n`);
console.log(`${lines.length} messages`);
