/** Every command, by name. */
import { ReplyError } from "../../reply.ts";
import type { Query } from "../../store/operations.ts";
import type { Command } from "../command.ts";
import type { ScanCursors } from "../cursors.ts";
import { BIT_COMMANDS } from "./bits.ts";
import { commandCommand } from "./command.ts";
import { CONNECTION_COMMANDS } from "./connection.ts";
import { EXPIRY_COMMANDS } from "./expiry.ts";
import { KEY_COMMANDS } from "./keys.ts";
import { OBJECT_COMMANDS } from "./objects.ts";
import { ORIGINAL_COMMANDS } from "./original.ts";
import { SERVER_COMMANDS } from "./server.ts";
import { STRING_COMMANDS } from "./strings.ts";
import { TRANSACTION_COMMANDS } from "./transactions.ts";

export const COMMANDS: readonly Command[] = [
  ...STRING_COMMANDS,
  ...BIT_COMMANDS,
  ...KEY_COMMANDS,
  ...OBJECT_COMMANDS,
  ...EXPIRY_COMMANDS,
  ...ORIGINAL_COMMANDS,
  ...TRANSACTION_COMMANDS,
  ...CONNECTION_COMMANDS,
  ...SERVER_COMMANDS,
  commandCommand(() => COMMANDS),
];

/** In both of the ways in which clients write names; any other spelling takes a detour. */
const BY_NAME = new Map(
  COMMANDS.flatMap((command) => [command.name, command.name.toUpperCase()].map((name) => [name, command] as const)),
);

/** Whatever the case of its letters. */
export const findCommand = (name: string): Command | undefined => BY_NAME.get(name) ?? BY_NAME.get(name.toLowerCase());

/** Answers the read commands that stand inside transactions. */
export const queriesWith =
  (cursors: ScanCursors): Query =>
  (space, name, args) => {
    const command = findCommand(name);
    return command?.kind === "read"
      ? command.run(space, args, cursors)
      : new ReplyError(`ERR '${name}' can't be part of a transaction here`);
  };
