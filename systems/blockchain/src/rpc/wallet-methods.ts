/** The wallet's rows of the table. */
import type { RpcMethod } from "./context.ts";
import { addressMethods } from "./wallet/addresses.ts";
import { descriptorMethods } from "./wallet/descriptors.ts";
import { lifecycleMethods } from "./wallet/lifecycle.ts";
import { moneyMethods } from "./wallet/money.ts";
import { sendingMethods } from "./wallet/sending.ts";
import { signingMethods } from "./wallet/signing.ts";
import { sinceMethods } from "./wallet/since.ts";

export const walletMethods: readonly RpcMethod[] = [
  ...lifecycleMethods,
  ...addressMethods,
  ...moneyMethods,
  ...sendingMethods,
  ...signingMethods,
  ...sinceMethods,
  ...descriptorMethods,
];
