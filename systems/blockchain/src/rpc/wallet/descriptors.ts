/** The wallet's keys as other programs take them, to watch it without being able to spend. */
import { descriptorChecksum } from "../../address/descriptor.ts";
import type { RpcMethod } from "../context.ts";
import { RpcError } from "../errors.ts";
import { param, withDefault } from "../method.ts";
import { walletRow } from "./common.ts";

/** As far as other programs are told to look beyond the last address that was handed out. */
const AHEAD = 1000;

export const descriptorMethods: readonly RpcMethod[] = [
  walletRow(
    "listdescriptors",
    "its public keys, for importdescriptors of other programs",
    { private: withDefault(param.boolean("must be false: getmnemonic has the secret"), false) },
    (wallet, values, { chain }) => {
      if (values.private)
        throw new RpcError("walletError", "Private descriptors are not shown; getmnemonic shows the words.");
      const { name, birthday } = wallet.info();
      const timestamp = chain.at(birthday)?.time ?? 0;
      const descriptors = wallet.descriptors().map(({ text, isChange, next }) => ({
        desc: `${text}#${descriptorChecksum(text)}`,
        timestamp,
        active: true,
        internal: isChange,
        range: [0, next + AHEAD - 1],
        next,
        next_index: next,
      }));
      return { wallet_name: name, descriptors };
    },
  ),
];
