/** Dockerfile and Compose: as far as they can be held to what they refer to without Docker. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { SETTINGS } from "../src/node/settings.ts";
import { parseLimitSettings } from "../src/web/limits/settings.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const dockerfile = read("Dockerfile").replaceAll("\\\n", " ");
const instructions = dockerfile
  .split("\n")
  .filter((line) => /^[A-Z]/.test(line))
  .map((line) => line.split(/\s+/));
const ofKind = (name: string): string[][] => instructions.filter(([first]) => first === name);

describe("the Dockerfile", () => {
  it("copies only what is in the repository and not kept out of the context", () => {
    const ignored = read(".dockerignore").split("\n").filter(Boolean);
    for (const [, ...words] of ofKind("COPY")) {
      if (words[0]?.startsWith("--from")) continue;
      for (const source of words.slice(0, -1)) {
        expect(existsSync(join(root, source)), source).toBe(true);
        expect(ignored).not.toContain(source);
      }
    }
  });

  it("runs scripts that are there", () => {
    const scripts = [...dockerfile.matchAll(/scripts\/[\w.-]+/g)].map(([path]) => path);
    expect(scripts).toEqual(["scripts/prepare.mjs", "scripts/image-tree.sh"]);
    for (const path of scripts) expect(existsSync(join(root, path)), path).toBe(true);
  });

  it("builds blockchain unless told otherwise, as its guide does, and runs without root", () => {
    expect(ofKind("ARG").filter(([, value]) => value === "SYSTEM=blockchain")).toHaveLength(2);
    expect(ofKind("USER").at(-1)).toEqual(["USER", "10001:10001"]);
    expect(ofKind("FROM")).toHaveLength(2);
    expect(dockerfile).toContain("chown -R 10001:10001 /app");
  });

  it("has an entry for each system", () => {
    for (const system of ["blockchain", "kvstore"])
      expect(existsSync(join(root, `systems/${system}/bin/${system}.js`))).toBe(true);
  });
});

describe("Compose", () => {
  const folder = "systems/blockchain/compose";
  // biome-ignore lint/suspicious/noExplicitAny: a file of another program, looked at here and there
  const { services, volumes }: any = parse(read(`${folder}/docker-compose.yml`), { merge: true });
  const nodes = Object.entries<(typeof services)[string]>(services).filter(([name]) => name !== "redis");

  it("sets only what the node knows", () => {
    const known = Object.entries(SETTINGS).map(
      ([key, { env }]) => env ?? key.replaceAll(/[A-Z]/g, "_$&").toUpperCase(),
    );
    for (const [, { environment }] of nodes) expect(known).toEqual(expect.arrayContaining(Object.keys(environment)));
  });

  it("gives each node volumes of its own, and ports that don't meet", () => {
    const used = nodes.flatMap(([, service]) => service.volumes.map((volume: string) => volume.split(":")[0]));
    const named = used.filter((volume: string) => !volume.startsWith("."));
    expect(new Set(named).size).toBe(named.length);
    expect([...named].sort()).toEqual(Object.keys(volumes).sort());
    const ports = nodes.flatMap(([, service]) => service.ports.map((port: string) => port.split(":")[1]));
    expect(new Set(ports).size).toBe(ports.length);
  });

  it("builds from the root and mounts limits that can be read", () => {
    for (const [, { build }] of nodes) expect(existsSync(join(root, folder, build.context, "Dockerfile"))).toBe(true);
    expect(parseLimitSettings(read(`${folder}/Settings.toml`)).redis).toEqual({ host: "redis", port: 6379 });
  });
});
