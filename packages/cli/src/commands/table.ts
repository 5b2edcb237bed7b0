/** All commands. A new one is a row here and a function; functions are loaded only when they run. */
import type { CommandOption, CommandRow } from "./types.ts";

const context: CommandOption = {
  flags: "--context <name>",
  description: "use this context of your kubeconfig instead of the embedded cluster",
};
const variant: CommandOption = {
  flags: "--variant <name>",
  description: "which set of manifests, where a system has several",
};

/** Names only: the faults themselves are loaded when a drill runs. */
const faults = `kill, delete, partition, minority, one-way, pause, restart, scale, resize, outage, wipe; on the embedded cluster also \
api-away, api-hang, api-conflict, api-gone, api-lost-answer, watch-drop, dns-away, clock-forward, clock-back, disk-full, disk-slow`;

export const commands: readonly CommandRow[] = [
  {
    usage: "up <system>",
    summary: "bring a system (or a file or folder of manifests) up and wait until it serves",
    options: [context, variant, { flags: "--timeout <seconds>", description: "how long to wait (default 300)" }],
    examples: ["coracle up kvstore", "coracle up ./my-manifests", "coracle up kvstore --context staging"],
    json: true,
    run: async (...call) => (await import("./up.ts")).up(...call),
  },
  {
    usage: "status [system]",
    summary: "show pods, roles and addresses of what is up",
    options: [context],
    examples: ["coracle status", "coracle status kvstore --json"],
    json: true,
    run: async (...call) => (await import("./status.ts")).status(...call),
  },
  {
    usage: "down <system>",
    summary: "delete a system; its claims and their data are kept",
    options: [
      context,
      variant,
      { flags: "--delete-data", description: "delete claims, volumes and the namespace as well" },
      { flags: "--timeout <seconds>", description: "how long to wait (default 120)" },
    ],
    examples: ["coracle down kvstore", "coracle down kvstore --delete-data"],
    json: true,
    run: async (...call) => (await import("./down.ts")).down(...call),
  },
  {
    usage: "logs <system>",
    summary: "print the logs of all pods of a system",
    options: [
      context,
      variant,
      { flags: "-f, --follow", description: "go on as new lines come" },
      { flags: "--tail <lines>", description: "how many of the last lines of each pod (default 50)" },
    ],
    examples: ["coracle logs kvstore", "coracle logs kvstore -f --tail 0"],
    run: async (...call) => (await import("./logs.ts")).logs(...call),
  },
  {
    usage: "drill <system>",
    summary:
      "inject faults into a running system under load, and say whether it kept its promises (exit code 1 when not)",
    options: [
      context,
      {
        flags: "--fault <names>",
        description: `several by commas or repetition (default kill): ${faults}`,
        isList: true,
      },
      { flags: "--repeat <count>", description: "how often each fault (default 1)" },
      { flags: "--clients <count>", description: "clients at work (default 16)" },
      {
        flags: "--ops <mix>",
        description: "shares of the operations, such as read=4,write=3 (default: the system's own)",
        isList: true,
      },
      {
        flags: "--seed <number>",
        description: "decides keys, operations and the order of the faults (default: the time)",
      },
      {
        flags: "--hold <seconds>",
        description: "how long a fault without an end of its own lasts: API, clock, disk (default 10)",
      },
      { flags: "--timeout <seconds>", description: "how long to wait for each recovery (default 120)" },
      {
        flags: "--out <folder>",
        description: "where the report goes, as JSON and as a page (default $CORACLE_HOME/drills)",
      },
    ],
    examples: [
      "coracle drill kvstore",
      "coracle drill kvstore --fault kill,partition --repeat 5 --clients 16",
      "coracle drill kvstore --fault api-away,clock-forward,disk-full --hold 60",
      "coracle drill kvstore --fault delete --context staging",
    ],
    json: true,
    run: async (...call) => (await import("./drill.ts")).drill(...call),
  },
  {
    usage: "switchover <system>",
    summary: "hand the lead over to another pod without losing a write",
    options: [context, { flags: "--to <pod>", description: "who leads next (default: an in-sync replica)" }],
    examples: ["coracle switchover kvstore", "coracle switchover kvstore --to kvstore-1"],
    json: true,
    run: async (...call) => (await import("./switchover.ts")).switchover(...call),
  },
  {
    usage: "backup <system>",
    summary: "run the system's backup job now",
    options: [context, { flags: "--timeout <seconds>", description: "how long to wait (default 600)" }],
    examples: ["coracle backup kvstore"],
    json: true,
    run: async (...call) => (await import("./restore.ts")).backup(...call),
  },
  {
    usage: "restore <system>",
    summary: "replace a running system's data by a backup, and read it back",
    options: [
      context,
      { flags: "--from <name>", description: "file name of the backup (default latest)" },
      { flags: "--yes", description: "do not ask: all data that is there now goes" },
      { flags: "--timeout <seconds>", description: "how long to wait (default 600)" },
    ],
    examples: [
      "coracle restore kvstore --yes",
      "coracle restore kvstore --from kvstore-20260101T020000Z-e3-i9.kvbackup --yes",
    ],
    json: true,
    run: async (...call) => (await import("./restore.ts")).restore(...call),
  },
  {
    usage: "cluster start",
    summary: "start the embedded cluster",
    options: [
      { flags: "--nodes <count>", description: "how many virtual nodes (default 1)" },
      { flags: "--isolation <level>", description: "namespaces, plain or auto (default auto)" },
    ],
    examples: ["coracle cluster start", "coracle cluster start --nodes 3"],
    json: true,
    run: async (...call) => (await import("./cluster.ts")).start(...call),
  },
  {
    usage: "cluster stop",
    summary: "stop the cluster and its pods; objects and volumes are kept",
    examples: ["coracle cluster stop"],
    json: true,
    run: async (call) => (await import("./cluster.ts")).stop(call),
  },
  {
    usage: "cluster status",
    summary: "show whether the cluster runs, and where (exit code 3 when it does not)",
    examples: ["coracle cluster status", "coracle cluster status --json"],
    json: true,
    run: async (call) => (await import("./cluster.ts")).status(call),
  },
  {
    usage: "cluster delete",
    summary: "stop the cluster and delete all its objects and volumes",
    options: [{ flags: "--yes", description: "do not ask" }],
    examples: ["coracle cluster delete --yes"],
    json: true,
    run: async (...call) => (await import("./cluster.ts")).remove(...call),
  },
  {
    usage: "fault add <kind> [settings...]",
    summary: "let something go wrong on purpose; settings are written name=value (see: coracle fault kinds)",
    options: [
      { flags: "--name <name>", description: "what to call it (default: the kind and a number)" },
      { flags: "--for <seconds>", description: "how long it lasts (default: until it is cleared)" },
    ],
    examples: [
      "coracle fault add pause namespace=kvstore pods=kvstore-0 --for 30",
      "coracle fault add partition namespace=kvstore pods=kvstore-0",
      "coracle fault add api-error namespace=kvstore selector=app=kvstore resources=leases verbs=update code=409 probability=0.5",
      "coracle fault add clock-skew namespace=kvstore pods=kvstore-1 offsetMs=3600000",
    ],
    json: true,
    run: async (...call) => (await import("./fault.ts")).add(...call),
  },
  {
    usage: "fault list",
    summary: "show the faults in force",
    examples: ["coracle fault list", "kubectl get faults"],
    json: true,
    run: async (call) => (await import("./fault.ts")).list(call),
  },
  {
    usage: "fault clear [name]",
    summary: "end one fault, or all",
    examples: ["coracle fault clear", "coracle fault clear pause-1"],
    json: true,
    run: async (call, args) => (await import("./fault.ts")).clear(call, args),
  },
  {
    usage: "fault kinds [kind]",
    summary: "show what can go wrong, or the settings of one kind",
    examples: ["coracle fault kinds", "coracle fault kinds clock-skew"],
    json: true,
    run: async (call, args) => (await import("./fault.ts")).kinds(call, args),
  },
  {
    usage: "node list",
    summary: "show the virtual nodes",
    examples: ["coracle node list"],
    json: true,
    run: async (call) => (await import("./node.ts")).list(call),
  },
  {
    usage: "node stop <name>",
    summary: "take a node away as a power failure would",
    options: [
      {
        flags: "--out-of-service",
        description: "taint it, so that its pods move as soon as it is NotReady, those of StatefulSets included",
      },
    ],
    examples: ["coracle node stop node-2", "coracle node stop node-2 --out-of-service"],
    json: true,
    run: async (...call) => (await import("./node.ts")).stop(...call),
  },
  {
    usage: "node start <name>",
    summary: "bring a stopped node back",
    examples: ["coracle node start node-2"],
    json: true,
    run: async (call, args) => (await import("./node.ts")).start(call, args),
  },
  {
    usage: "kubeconfig",
    summary: "print the path of the cluster's kubeconfig",
    examples: ["kubectl --kubeconfig $(coracle kubeconfig) get pods -A"],
    json: true,
    run: async (call) => (await import("./shell.ts")).kubeconfig(call),
  },
  {
    usage: "env",
    summary: "print what a shell needs for kubectl and the systems' own commands",
    examples: ['eval "$(coracle env)"'],
    json: true,
    run: async (call) => (await import("./shell.ts")).env(call),
  },
];
