/** Which image runs what. */
import { describe, expect, it } from "vitest";
import { commandLine, resolveImage } from "../../src/kubelet/images/resolve.ts";
import { isPlausibleTag } from "../../src/kubelet/images/tags.ts";
import { wellKnown } from "../../src/kubelet/images/well-known.ts";
import { hostsOf } from "../../src/kubelet/programs/curl.ts";
import { matchLocation, parseNginx } from "../../src/kubelet/programs/nginx-config.ts";

const options = {
  table: { system: () => undefined },
  applets: "/applets",
  programs: "/programs",
  hostPath: process.env.PATH ?? "",
};

describe("tags", () => {
  it.each([
    "latest",
    "1",
    "1.27",
    "1.27.3-alpine3.19",
    "1.36.1-musl",
    "stable-perl",
    "22.04",
    "bookworm-20250101-slim",
    "v1.10",
    "3.12-slim-bookworm",
    "3.13rc1",
    "lts-alpine",
  ])("%s may exist", (tag) => expect(isPlausibleTag(tag)).toBe(true));

  it.each(["nonexistent", "1.161", "does-not-exist", "broken", "1.27-nope", "bad-tag", "latests"])(
    "%s does not",
    (tag) => expect(isPlausibleTag(tag)).toBe(false),
  );

  it("knows how far a row's versions go", () => {
    expect(isPlausibleTag("9.9.9", 1)).toBe(false);
    expect(() => resolveImage("nginx:99", options)).toThrow(/nginx:99: not found.*`images`/);
  });
});

describe("well-known images", () => {
  it.each(Object.entries(wellKnown))("%s has something to run", (_, row) => {
    expect(commandLine({ name: "main" }, row).length).toBeGreaterThan(0);
  });

  it.each(["busybox:1.36", "docker.io/library/alpine", "registry.k8s.io/pause:3.10"])("%s is known", (image) => {
    expect(resolveImage(image, options).path).toContain("/programs:");
  });

  it("gives args to the image's entry point, and takes a command instead of it", () => {
    const echo = wellKnown["http-echo"] ?? expect.fail();
    expect(commandLine({ name: "main", args: ["-text=hi"] }, echo)).toEqual(["http-echo", "-text=hi"]);
    expect(commandLine({ name: "main", command: ["sh"] }, echo)).toEqual(["sh"]);
  });
});

describe("nginx's configuration", () => {
  const text = `
    # a comment with { a brace
    upstream api { server api:8080; }
    server {
      listen 8080 default_server;
      listen [::]:8080;
      root /srv/www;
      location / { return 200 "hello {world}\\n"; }
      location /api/ { proxy_pass http://backend:9000/; }
      location = /healthz { access_log off; return 204; }
      location ~ \\.php$ { return 403; }
    }`;

  it("is read as far as it is understood", () => {
    const [site] = parseNginx(text);
    expect(site).toMatchObject({ ports: [8080], root: "/srv/www" });
    const at = (path: string) => site && matchLocation(site, path);
    expect(at("/x")?.answer).toEqual({ status: 200, text: "hello {world}\n" });
    expect(at("/api/v1")?.proxyPass).toBe("http://backend:9000/");
    expect(at("/healthz")?.answer?.status).toBe(204);
    expect(at("/healthz/x")?.answer?.status).toBe(200);
  });

  it("bears any text", () => {
    for (const broken of ["", "}", "server {", "server { location", '"', "server { listen ; }"])
      expect(() => parseNginx(broken)).not.toThrow();
  });
});

describe("curl's arguments", () => {
  it.each([
    [["-s", "http://web"], ["web"]],
    [["web:8080/path?x=1"], ["web"]],
    [["-sSf", "-H", "Host: x.example", "-o", "file", "https://user:pw@web.default:8443/"], ["web.default"]],
    [
      ["-X", "POST", "-d", "data", "--max-time", "2", "a", "http://b/"],
      ["a", "b"],
    ],
    [["--fail", "web"], ["web"]],
    [["--version"], []],
  ])("%j names %j", (args, hosts) => expect(hostsOf(args)).toEqual(hosts));
});
