/** The peer that figures are compared with: bcoin (JavaScript, MIT), installed outside this tree, in a process of its own. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** bcoin's folder: of the command `bcoin` that BCOIN names or the PATH has; undefined when there is none. */
export function findPeer(): string | undefined {
  const places = (process.env.PATH ?? "").split(delimiter).map((dir) => join(dir, "bcoin"));
  const found = [process.env.BCOIN, ...places].find((path) => path !== undefined && existsSync(path));
  return found === undefined ? undefined : dirname(dirname(realpathSync(found)));
}

export const MISSING_PEER =
  "**bcoin is missing here, so nothing is compared with it.** Install it outside the tree (`npm install --ignore-scripts bcoin@1.0.2`) and name its command in `BCOIN` or on the PATH.";

export type Question =
  | { readonly kind: "open"; readonly threads: number; readonly port?: number; readonly coinCacheBytes?: number }
  | { readonly kind: "add"; readonly blocks: readonly Buffer[] }
  | { readonly kind: "coins"; readonly keys: readonly { readonly hash: Buffer; readonly index: number }[] }
  | { readonly kind: "dial"; readonly port: number }
  | { readonly kind: "height" };

export interface Answer {
  /** Of what was asked, in the peer's own process; messages aside. */
  readonly seconds: number;
  readonly height: number;
  readonly rssBytes: number;
  readonly error?: string;
}

/** Ticks of /proc a second. */
const USER_HZ = 100;

export class Peer {
  readonly version: string;
  readonly #child: ChildProcess;

  constructor(folder: string) {
    this.version = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).version;
    this.#child = fork(fileURLToPath(new URL("peer-process.js", import.meta.url)), [folder], {
      serialization: "advanced",
      // Its native parts are not built by an install without scripts.
      env: { ...process.env, NODE_BACKEND: "js", BCOIN_NETWORK: "regtest" },
    });
  }

  async ask(question: Question): Promise<Answer> {
    const waiting = new AbortController();
    const { signal } = waiting;
    this.#child.send(question);
    const [answer] = (await Promise.race([
      once(this.#child, "message", { signal }),
      once(this.#child, "exit", { signal }).then(([code]) => [{ error: `bcoin ended with code ${code}` }]),
    ]).finally(() => waiting.abort())) as [Answer];
    if (answer.error !== undefined) throw new TypeError(answer.error);
    return answer;
  }

  /** CPU time of its process and those it started, in seconds; to a hundredth. */
  cpuSeconds(): number {
    return cpuOfTree(this.#child.pid as number);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}

const statOf = (pid: number): string[] => {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
};

export function cpuOfTree(pid: number): number {
  try {
    const fields = statOf(pid);
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
    );
    const own = (Number(fields[11]) + Number(fields[12])) / USER_HZ;
    return children.reduce((sum, child) => sum + cpuOfTree(child), own);
  } catch {
    // It has just ended.
    return 0;
  }
}
