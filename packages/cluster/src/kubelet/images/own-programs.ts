/** The folder of our own programs, as commands in front of every container's PATH: see ../programs. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compiledPath } from "../../network/compiled.ts";
import { quote } from "../isolation/shim.ts";
import { realCurl } from "../programs/types.ts";
import { findProgram } from "./find-program.ts";

/** Those of ../programs, as commands in every image; the servers among them are there for the images of that name. */
const nodePrograms = [
  "agnhost",
  "echoserver",
  "http-echo",
  "httpd",
  "httpd-foreground",
  "nc",
  "nginx",
  "nslookup",
  "telnet",
  "traefik-whoami",
  "wget",
];

/**
 * Host programs that must be told the pod's address, being unable to learn it: they would use that of the whole machine. Rows of name to
 * the script before `exec PROGRAM "$@"`.
 */
const addressed: Readonly<Record<string, string>> = {
  // The image listens on all addresses, with protection off; the later option wins.
  "redis-server": 'set -- "$@" --bind "$CORACLE_POD_IP" --protected-mode no',
  "redis-cli": 'case " $* " in *" -h "*|*" -u "*|*" -s "*) ;; *) set -- -h "$CORACLE_POD_IP" "$@";; esac',
};

/** Fills `folder` and returns it. */
export function linkOwnPrograms(folder: string, hostPath: string): string {
  mkdirSync(folder, { recursive: true });
  const main = compiledPath(import.meta.url, "../programs/main.ts");
  const runOurs = (name: string): string => `exec ${[process.execPath, main, name].map(quote).join(" ")} "$@"`;
  for (const name of nodePrograms) writeScript(join(folder, name), runOurs(name));
  const curl = findProgram("curl", hostPath);
  if (curl) writeScript(join(folder, "curl"), `${realCurl}=${quote(curl)} ${runOurs("curl")}`);
  for (const [name, preparation] of Object.entries(addressed)) {
    const program = findProgram(name, hostPath);
    if (program)
      writeScript(join(folder, name), `[ "$CORACLE_POD_IP" ] && { ${preparation}\n}\nexec ${quote(program)} "$@"`);
  }
  // Without a UTS namespace the machine's name would be told.
  const hostname = findProgram("hostname", hostPath) ?? "false";
  const answers = 'case "$*" in "") exec echo "$HOSTNAME";; -i) exec echo "$CORACLE_POD_IP";; esac';
  writeScript(join(folder, "hostname"), `${answers}\nexec ${quote(hostname)} "$@"`);
  return folder;
}

function writeScript(path: string, text: string): void {
  const script = `#!/bin/sh\n${text}\n`;
  if (contentOf(path) === script) return;
  writeFileSync(path, script);
  chmodSync(path, 0o755);
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
