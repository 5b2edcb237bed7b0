/** nslookup, which unlike busybox's asks along the search list for names with dots too, as a pod's own lookups do. */
import dns from "node:dns";
import { candidates } from "../../network/preload/settings.ts";
import { readResolvConf } from "./resolv-conf.ts";
import { complain, type OwnProgram, say, UsageError } from "./types.ts";

type Resolver = dns.promises.Resolver;

/** Lines of the answer for a name that exists. */
type Question = (resolver: Resolver, name: string) => Promise<string[]>;

const addresses =
  (ask: (resolver: Resolver, name: string) => Promise<string[]>): Question =>
  async (resolver, name) =>
    (await ask(resolver, name)).map((address) => `Name:\t${name}\nAddress: ${address}`);

const questions: Readonly<Record<string, Question>> = {
  a: addresses((resolver, name) => resolver.resolve4(name)),
  aaaa: addresses((resolver, name) => resolver.resolve6(name)),
  srv: async (resolver, name) =>
    (await resolver.resolveSrv(name)).map(
      (each) => `${name}\tservice = ${each.priority} ${each.weight} ${each.port} ${each.name}`,
    ),
  cname: async (resolver, name) =>
    (await resolver.resolveCname(name)).map((target) => `${name}\tcanonical name = ${target}`),
  txt: async (resolver, name) =>
    (await resolver.resolveTxt(name)).map((texts) => `${name}\ttext = ${texts.map((text) => `"${text}"`).join(" ")}`),
  ptr: async (resolver, name) => (await resolver.resolvePtr(name)).map((target) => `${name}\tname = ${target}`),
};

export const nslookup: OwnProgram = {
  async run(args) {
    const { type, name, server } = parse(args);
    const { nameserver, search, shown } = await readResolvConf(server);
    const resolver = new dns.promises.Resolver({ timeout: 2000, tries: 2 });
    resolver.setServers([nameserver]);
    say(`Server:\t\t${shown.split(":")[0]}\nAddress:\t${shown}\n`);
    const reversed = reverseName(name);
    const names = reversed === undefined ? candidates(name, search) : [reversed];
    const question = questions[reversed === undefined ? type : "ptr"];
    if (question === undefined)
      throw new UsageError(`query type ${type} is none of ${Object.keys(questions).join(", ")}`);
    return await answer(resolver, question, names, name);
  },
};

/** `[-type=TYPE | -query=TYPE] NAME [SERVER]`; other options are borne. */
function parse(args: readonly string[]): { type: string; name: string; server: string | undefined } {
  const [name, server] = args.filter((arg) => !arg.startsWith("-"));
  if (name === undefined) throw new UsageError("usage: nslookup [-type=TYPE] NAME [SERVER]");
  const types = args.map((arg) => /^-(?:t|type|q|query|querytype)=(\w+)$/.exec(arg)?.[1]);
  return { type: types.find((each) => each !== undefined)?.toLowerCase() ?? "a", name, server };
}

function reverseName(name: string): string | undefined {
  return /^\d+(\.\d+){3}$/.test(name) ? `${name.split(".").reverse().join(".")}.in-addr.arpa` : undefined;
}

async function answer(
  resolver: Resolver,
  question: Question,
  names: readonly string[],
  asked: string,
): Promise<number> {
  let isUnanswered = false;
  for (const name of names) {
    try {
      for (const line of await question(resolver, name)) say(line);
      say("");
      return 0;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      isUnanswered ||= code === "ETIMEOUT" || code === "ECONNREFUSED";
    }
  }
  complain(
    isUnanswered
      ? ";; connection timed out; no servers could be reached\n"
      : `** server can't find ${asked}: NXDOMAIN\n`,
  );
  return 1;
}
