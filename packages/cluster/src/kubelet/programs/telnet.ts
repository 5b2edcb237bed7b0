/** telnet, as it is used in clusters: to see whether a port answers, and to type at it. */
import { DialError, dial, find } from "./dial.ts";
import { complain, type OwnProgram, say, UsageError } from "./types.ts";

const defaultPort = 23;

export const telnet: OwnProgram = {
  async run(args) {
    const [host, port = defaultPort] = args.filter((arg) => !arg.startsWith("-"));
    if (host === undefined) throw new UsageError("usage: telnet HOST [PORT]");
    try {
      const target = await find(host, Number(port));
      say(`Trying ${target.address}...`);
      const socket = await dial(target, 0);
      say(`Connected to ${host}.\nEscape character is '^]'.`);
      process.stdin.pipe(socket);
      socket.pipe(process.stdout, { end: false });
      await new Promise((resolve) => socket.on("error", resolve).on("end", resolve));
      socket.destroy();
      process.stdin.destroy();
      complain("Connection closed by foreign host");
    } catch (error) {
      if (!(error instanceof DialError)) throw error;
      complain(`telnet: ${error.isBadAddress ? "" : "can't connect to remote host: "}${error.message}`);
    }
    return 1;
  },
};
