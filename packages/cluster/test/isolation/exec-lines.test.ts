/**
 * The lines that people type into pods, at both levels of isolation, as whoever runs the tests, and when that is root as an ordinary user
 * too: who may neither bind port 53 nor mount anything outside of a user namespace.
 */
import { execFile, execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { program } from "../../../../scripts/testing/programs.ts";

const script = fileURLToPath(new URL("./exec-lines.mjs", import.meta.url));
const kubectl = program("kubectl");
const isRoot = process.getuid?.() === 0;
const nobody = 65_534;
const asNobody = ["--reuid", String(nobody), "--regid", String(nobody), "--clear-groups"];

type Answers = Record<string, { readonly code: number; readonly output: string }> & { isolation: string };

async function ask(level: string, isOrdinary: boolean): Promise<Answers> {
  const words = [process.execPath, script, level, kubectl ?? ""];
  const [file = "", ...args] = isOrdinary ? ["setpriv", ...asNobody, ...words] : words;
  const { stdout } = await promisify(execFile)(file, args, { timeout: limitMs, env: { ...process.env, HOME: "/tmp" } });
  return JSON.parse(stdout) as Answers;
}

const limitMs = 120_000;

/** Whether that user may make the namespaces, and may read this checkout at all. */
function canRun(isOrdinary: boolean, level: string): boolean {
  const user = isOrdinary || !isRoot ? ["--user", "--map-root-user"] : [];
  const trial = level === "namespaces" ? ["unshare", ...user, "--mount", "--uts", "cat", script] : ["cat", script];
  const [file = "", ...args] = isOrdinary ? ["setpriv", ...asNobody, ...trial] : trial;
  try {
    execFileSync(file, args, { stdio: "ignore" });
    return true;
  } catch {
    console.warn(`SKIPPED: ${isOrdinary ? "an ordinary user" : "this user"} can't test isolation ${level} here`);
    return false;
  }
}

const worlds = [false, ...(isRoot ? [true] : [])].flatMap((isOrdinary) =>
  ["namespaces", "plain"].map((level) => ({ level, isOrdinary, who: isOrdinary ? "an ordinary user" : "this user" })),
);

describe.runIf(kubectl !== undefined)("exec lines", () => {
  for (const { level, isOrdinary, who } of worlds.filter((each) => canRun(each.isOrdinary, each.level)))
    it(`work with isolation ${level} as ${who}`, { timeout: limitMs }, async () => {
      const answers = await ask(level, isOrdinary);
      const said = (line: string) => `${answers[line]?.code} ${answers[line]?.output}`;
      expect(answers.isolation).toBe(level);
      expect(said("ready")).toMatch(/^0 /);
      const found = /^0 [\s\S]*Name:\tkvstore-0\.kvstore-headless\.default\.svc\.cluster\.local\nAddress: 127\./;
      expect(said("nslookup kvstore-0.kvstore-headless")).toMatch(found);
      expect(said("direct nslookup")).toMatch(found);
      expect(said("nslookup -type=SRV _resp._tcp.kvstore-headless.default.svc.cluster.local")).toMatch(
        /^0 [\s\S]*service = \d+ \d+ 5555 kvstore-0\.kvstore-headless/,
      );
      expect(said("nslookup nobody.kvstore-headless")).toMatch(
        /^1 [\s\S]*can't find nobody\.kvstore-headless: NXDOMAIN/,
      );
      expect(said("nc -zv -w 2 kvstore-0.kvstore-headless 5555")).toMatch(/^0 .*:5555\) open\n$/);
      expect(said("nc -zv -w 2 kvstore-0.kvstore-headless 5556")).toMatch(/^1 .*Connection refused/);
      for (const line of ["wget -qO- -T 5 http://web:8080/", "curl -s --max-time 5 http://web:8080/"])
        expect(said(line), line).toBe("0 hello from web\n");
      expect(said("df -h /data")).toMatch(level === "namespaces" ? /^0 .*\n.* \/data\n$/ : /^0 Filesystem/);
      expect(said("ls -la /data")).toMatch(/^0 [\s\S]* kept\n$/);
      expect(said("hostname")).toBe("0 client\n");
      if (level === "namespaces")
        expect(said("cat /etc/resolv.conf")).toMatch(/^0 search default\.svc\.cluster\.local /);
      expect(said("cat /var/run/secrets/kubernetes.io/serviceaccount/namespace")).toBe("0 default");
    });
});
