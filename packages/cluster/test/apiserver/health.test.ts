import { afterAll, beforeAll, expect, it } from "vitest";
import { type Client, clientOf } from "./client.ts";
import { type Fixture, startFixture } from "./fixture.ts";

let fixture: Fixture;
let client: Client;
beforeAll(async () => {
  fixture = await startFixture();
  client = clientOf(fixture);
});
afterAll(() => fixture.stop());

const text = async (path: string) => (await client("GET", path)).text;

it("tells check by check how the server is, in short and at length", async () => {
  expect(await text("/livez")).toBe("ok");
  expect((await text("/readyz?verbose")).split("\n")).toEqual([
    "[+]ping ok",
    "[+]log ok",
    "[+]etcd ok",
    "[+]poststarthook/start-system-namespaces-controller ok",
    "[+]poststarthook/rbac/bootstrap-roles ok",
    "[+]shutdown ok",
    "readyz check passed",
    "",
  ]);
  expect(await text("/readyz/etcd")).toBe("ok");
  expect(await text("/livez?verbose&exclude=etcd")).toContain("[+]etcd excluded: ok");
  expect((await client("GET", "/livez/shutdown")).status).toBe(404);
});

it("fails as a whole when one check does, and says which", async () => {
  await client("DELETE", "/apis/rbac.authorization.k8s.io/v1/clusterroles/cluster-admin");
  const { status, text: told } = await client("GET", "/readyz");
  expect([status, told]).toEqual([
    500,
    expect.stringContaining("[-]poststarthook/rbac/bootstrap-roles failed: reason withheld\n"),
  ]);
  expect(told).toContain("readyz check failed\n");
});

const table = async (path: string) => {
  const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
  const { body } = await client("GET", path, { headers: { accept } });
  return {
    columns: body.columnDefinitions?.map(({ name }: { name: string }) => name),
    rows: body.rows?.map(({ cells }: { cells: unknown[] }) => cells),
  };
};

it("shows the addresses of Services, and where they come from", async () => {
  await client("POST", "/api/v1/namespaces/default/services", {
    body: { metadata: { name: "s" }, spec: { clusterIP: "127.77.128.9", ports: [{ port: 80 }] } },
  });
  const { columns, rows } = await table("/apis/networking.k8s.io/v1/ipaddresses");
  expect(columns).toEqual(["Name", "ParentRef"]);
  expect(rows).toContainEqual(["127.77.128.9", "services/default/s"]);
  expect((await table("/apis/networking.k8s.io/v1/servicecidrs")).rows).toMatchObject([
    ["kubernetes", "127.77.128.0/17", {}],
  ]);
});

it.each([
  ["node.k8s.io", "runtimeclasses", { handler: "runc" }, ["x", "runc"]],
  ["storage.k8s.io", "csidrivers", {}, ["x", true, false, false, "<unset>", false, "Persistent"]],
  [
    "storage.k8s.io",
    "volumeattachments",
    { spec: { attacher: "a", nodeName: "n", source: { persistentVolumeName: "v" } } },
    ["x", "a", "v", "n", false],
  ],
  ["resource.k8s.io", "deviceclasses", { spec: {} }, ["x"]],
  [
    "flowcontrol.apiserver.k8s.io",
    "flowschemas",
    { spec: { priorityLevelConfiguration: { name: "p" } } },
    ["x", "p", 1000, "<none>"],
  ],
  [
    "flowcontrol.apiserver.k8s.io",
    "prioritylevelconfigurations",
    { spec: { type: "Limited", limited: { limitResponse: { type: "Reject" } } } },
    ["x", "Limited", 30, "<none>", "<none>", "<none>"],
  ],
])("keeps %s %s and says that nothing acts on them", async (group, plural, fields, cells) => {
  const path = `/apis/${group}/v1/${plural}`;
  const { status, headers } = await client("POST", `${path}?fieldValidation=Strict`, {
    body: { metadata: { name: "x" }, ...fields },
  });
  expect([status, headers.warning]).toEqual([201, expect.stringMatching(/this cluster|this machine/)]);
  const [row] = (await table(path)).rows;
  expect(row.slice(0, cells.length)).toEqual(cells);
});

it("refuses fields that stand twice, if it is asked to look", async () => {
  const body = '{"metadata": {"name": "twice"}, "data": {"a": "1", "a": "2"}}';
  const path = "/api/v1/namespaces/default/configmaps";
  const strict = await client("POST", `${path}?fieldValidation=Strict`, { body });
  expect([strict.status, strict.body.message]).toEqual([
    400,
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "data.a"',
  ]);
  const warned = await client("POST", `${path}?fieldValidation=Warn`, { body });
  expect([warned.status, warned.headers.warning]).toEqual([201, expect.stringContaining("duplicate field")]);
});
