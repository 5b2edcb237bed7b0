/**
 * Isolation by Linux namespaces through unshare(1) and nsenter(1): mount, UTS and, where /proc can be mounted anew, PID; a user namespace
 * when the cluster does not run as root. The PID namespace is what ends a container for sure: with its first process go all others,
 * daemons that left the process group included.
 */
import { readFile, writeFile } from "node:fs/promises";
import { findProgram } from "../images/find-program.ts";
import { containerMark } from "../process/proc.ts";
import { type Entry, hostTree } from "./host-tree.ts";
import { planRoot, type RootPlan, shimPath, writeTemplate } from "./root.ts";
import { enterArgs, quote, shimArgs } from "./shim.ts";
import type { ContainerSpec, Isolation, ProcessUser } from "./types.ts";

export interface NamespaceOptions {
  /** An existing folder of the host: the place of the tmpfs in every container's own mount namespace. */
  readonly stage: string;
  readonly inUserNamespace: boolean;
  readonly hasPidNamespace: boolean;
}

export function namespaceIsolation(options: NamespaceOptions): Isolation {
  let entries: readonly Entry[] | undefined;
  const template = `${options.stage}.template`;
  const prepare = (): readonly Entry[] => {
    const found = hostTree();
    writeTemplate(template, found);
    return found;
  };
  return {
    level: "namespaces",
    mayChangeUser: !options.inUserNamespace && findProgram("setpriv", hostPath) !== undefined,
    async launch(spec, folder) {
      entries ??= prepare();
      const plan = planRoot(spec, { ...options, entries });
      await writeFile(`${folder}/fstab`, plan.fstab);
      const script = setupScript(spec, plan, { stage: options.stage, template, fstab: `${folder}/fstab` });
      const args = [...unshareFlags(options), "--", "/bin/sh", "-c", script];
      return { file: hostTool("unshare"), args, env: spec.env, cwd: "/" };
    },
    async enter(spec, pid, command) {
      const inner = options.hasPidNamespace ? await firstProcess(pid) : pid;
      const flags = [`--target=${inner}`, ...nsenterFlags(options)];
      const args = [...flags, "--", ...becoming(spec.user), "/bin/sh", ...enterArgs(command)];
      const { [containerMark]: _, ...env } = spec.env;
      return { file: hostTool("nsenter"), args, env, cwd: "/" };
    },
    hostPath: () => undefined,
  };
}

/** The container's own PATH must not decide which unshare this is: busybox has one, with fewer options. */
const hostTool = (name: string): string => findProgram(name, hostPath) ?? name;
const hostPath = "/usr/bin:/bin:/usr/sbin:/sbin";

/**
 * Words before a command that make it another user's, inside the private root. Ports below 1024 stay open to it, as container runtimes
 * have it.
 */
function becoming(user: ProcessUser | undefined): readonly string[] {
  if (user === undefined) return [];
  const ports = user.uid === 0 ? [] : ["--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service"];
  return [
    hostTool("setpriv"),
    `--reuid=${user.uid}`,
    `--regid=${user.gid}`,
    `--groups=${user.groups.join(",")}`,
    ...ports,
  ];
}

const nsenterFlags = ({ inUserNamespace, hasPidNamespace }: NamespaceOptions): readonly string[] => [
  ...(inUserNamespace ? ["--user", "--preserve-credentials"] : []),
  "--mount",
  "--uts",
  ...(hasPidNamespace ? ["--pid"] : []),
  "--root",
  "--wd",
];

const unshareFlags = ({ inUserNamespace, hasPidNamespace }: NamespaceOptions): readonly string[] => [
  ...(inUserNamespace ? ["--user", "--map-root-user"] : []),
  "--mount",
  "--uts",
  "--propagation=private",
  ...(hasPidNamespace ? ["--pid", "--fork", "--kill-child"] : []),
];

interface SetupPaths {
  readonly stage: string;
  readonly template: string;
  readonly fstab: string;
}

/** Builds the root and goes on in it as the shim. Whatever fails tells why on descriptor 3, the shim's handshake. */
function setupScript(spec: ContainerSpec, plan: RootPlan, { stage, template, fstab }: SetupPaths): string {
  const root = quote(`${stage}/root`);
  const shim = shimArgs(spec.workingDir, spec.hasTty, spec.command).map(quote).join(" ");
  return [
    "exec 5>&2 2>&3",
    "set -e",
    "umask 022",
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH",
    `echo ${quote(spec.hostname)} 2>/dev/null >/proc/sys/kernel/hostname || hostname ${quote(spec.hostname)}`,
    `mount -t tmpfs -o mode=755 tmpfs ${quote(stage)}`,
    `cp -a ${quote(template)}/. ${quote(stage)}`,
    ...(plan.folders.length > 0 ? [`mkdir -p ${plan.folders.map(quote).join(" ")}`] : []),
    ...plan.files.map((path) => `: > ${quote(path)}`),
    `mount -a -T ${quote(fstab)}`,
    ...(spec.isRootReadOnly ? [`mount -o remount,ro,bind ${root}`] : []),
    "chroot=$(command -v chroot)",
    "exec 2>&5 5>&-",
    `PATH=${quote(spec.env.PATH ?? "")}`,
    `exec "$chroot" ${root} ${[...becoming(spec.user), "/bin/sh"].map(quote).join(" ")} ${shimPath} ${shim}`,
  ].join("\n");
}

/** The process that unshare(1) forked into the new PID namespace, as the host numbers it. */
async function firstProcess(pid: number): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "latin1").catch(() => "");
  return Number(children.trim().split(" ")[0] || pid);
}
