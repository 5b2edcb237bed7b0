import { LiveProvider } from "./api/live.tsx";
import { SessionProvider } from "./api/session.tsx";
import { AddressPage } from "./explorer/address.tsx";
import { BlockPage } from "./explorer/block.tsx";
import { BlocksPage } from "./explorer/blocks.tsx";
import { HomePage } from "./explorer/home.tsx";
import { MempoolPage } from "./explorer/mempool.tsx";
import { TransactionPage } from "./explorer/transaction.tsx";
import { Frame } from "./frame.tsx";
import { NodePage } from "./node/node.tsx";
import { Heading } from "./parts/parts.tsx";
import { useLocation } from "./router.tsx";
import { WalletPage } from "./wallet/wallet.tsx";

/** One row per page: its address, and what shows it. */
const pages: readonly (readonly [RegExp, (id: string) => React.ReactNode])[] = [
  [/^\/$/, () => <HomePage />],
  [/^\/blocks$/, () => <BlocksPage />],
  [/^\/block\/([^/]+)$/, (id) => <BlockPage key={id} id={id} />],
  [/^\/tx\/([^/]+)$/, (id) => <TransactionPage key={id} id={id} />],
  [/^\/address\/([^/]+)$/, (id) => <AddressPage key={id} id={id} />],
  [/^\/mempool$/, () => <MempoolPage />],
  [/^\/wallet$/, () => <WalletPage />],
  [/^\/node$/, () => <NodePage />],
];

export const App = () => (
  <SessionProvider>
    <LiveProvider>
      <Frame>
        <CurrentPage />
      </Frame>
    </LiveProvider>
  </SessionProvider>
);

function CurrentPage() {
  const [path = "/"] = useLocation().split("?");
  for (const [pattern, show] of pages) {
    const match = pattern.exec(path);
    if (match) return show(decodeURIComponent(match[1] ?? ""));
  }
  return <Heading title="Not found">There is no such page</Heading>;
}
