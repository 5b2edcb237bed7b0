/** The wallet's rows of the table. */
import type { RpcMethod } from "./context.ts";
import { addressMethods } from "./wallet/addresses.ts";
import { lifecycleMethods } from "./wallet/lifecycle.ts";
import { moneyMethods } from "./wallet/money.ts";
import { sendingMethods } from "./wallet/sending.ts";
import { signingMethods } from "./wallet/signing.ts";

export const walletMethods: readonly RpcMethod[] = [
  ...lifecycleMethods,
  ...addressMethods,
  ...moneyMethods,
  ...sendingMethods,
  ...signingMethods,
];
