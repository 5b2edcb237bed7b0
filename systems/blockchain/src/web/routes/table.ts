import { chainRoutes } from "./chain.ts";
import { miningRoutes } from "./mining.ts";
import type { Route } from "./route.ts";
import { spendingRoutes } from "./spending.ts";
import { walletRoutes } from "./wallets.ts";

/** Every route of the API that has an envelope; health and events are beside it. */
export const routes: readonly Route[] = [...chainRoutes, ...spendingRoutes, ...miningRoutes, ...walletRoutes];
