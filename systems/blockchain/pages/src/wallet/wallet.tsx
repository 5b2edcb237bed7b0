/** The wallet: which one, what is in it, and the few things one does with it. */
import { useEffect, useState } from "react";
import type { WalletView } from "../../../src/web/views.ts";
import { ApiError } from "../api/client.ts";
import { useLive } from "../api/live.tsx";
import { useSession } from "../api/session.tsx";
import { useData } from "../api/use-data.ts";
import { Amount, Facts, Failure, Heading, Loading } from "../parts/parts.tsx";
import { Create } from "./create.tsx";
import { History } from "./history.tsx";
import { Lock } from "./lock.tsx";
import { Receive } from "./receive.tsx";
import { Send } from "./send.tsx";
import { SignIn } from "./sign-in.tsx";

const views = ["History", "Receive", "Send", "New wallet"] as const;
type View = (typeof views)[number];

export function WalletPage() {
  const { key } = useSession();
  return (
    <>
      <Heading title="Wallet">Wallet</Heading>
      {key === undefined ? <KeyForm /> : <Wallets apiKey={key} />}
    </>
  );
}

const KeyForm = ({ refused }: { readonly refused?: unknown }) => (
  <SignIn refused={refused}>
    The wallet needs the API key of this node: <code>BITCOIN_API_WALLET_KEY</code>, or{" "}
    <code>BITCOIN_API_ADMIN_KEY</code> which also opens the node's page.
  </SignIn>
);

function Wallets({ apiKey }: { readonly apiKey: string }) {
  const { payments } = useLive();
  const { signOut } = useSession();
  const [chosen, setChosen] = useState<string>();
  const [view, setView] = useState<View>("History");
  const { data, error, reload } = useData<readonly WalletView[]>("/api/wallet/wallets", {
    key: apiKey,
    version: payments,
  });
  const hasNone = data?.length === 0;
  // Stays there when the first wallet appears in the list: its words are still on the screen then.
  useEffect(() => {
    if (hasNone) setView("New wallet");
  }, [hasNone]);
  if (error instanceof ApiError && (error.status === 401 || error.status === 403)) return <KeyForm refused={error} />;
  if (!data) return error ? <Failure error={error} /> : <Loading />;
  const wallet = data.find(({ name }) => name === chosen) ?? data[0];
  const context = { wallet: wallet?.name ?? "", apiKey };
  const open = (name: string): void => {
    setChosen(name);
    setView("History");
    reload();
  };
  return (
    <>
      <div className="actions">
        {data.length > 1 && (
          <label>
            Wallet
            <select value={wallet?.name} onChange={(event) => setChosen(event.target.value)}>
              {data.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
        )}
        <button type="button" className="quiet" onClick={signOut}>
          Forget the key
        </button>
      </div>
      {wallet && <Balance wallet={wallet} />}
      {wallet?.encrypted && <Lock key={wallet.name} wallet={wallet} apiKey={apiKey} changed={reload} />}
      <nav className="tabs" aria-label="Wallet">
        {views.map((each) => (
          <button key={each} type="button" aria-pressed={view === each} onClick={() => setView(each)}>
            {each}
          </button>
        ))}
      </nav>
      {view === "New wallet" && <Create apiKey={apiKey} created={open} />}
      {wallet && view === "History" && <History key={wallet.name} {...context} />}
      {wallet && view === "Receive" && <Receive key={wallet.name} {...context} />}
      {wallet && view === "Send" && <Send key={wallet.name} {...context} balance={wallet.balance} sent={reload} />}
    </>
  );
}

const Balance = ({ wallet }: { readonly wallet: WalletView }) => (
  <Facts
    facts={[
      ["Balance", <Amount key="balance" value={wallet.balance} />],
      ["Waiting", <Amount key="pending" value={wallet.pending} />],
      ["Too young to spend", <Amount key="immature" value={wallet.immature} />],
      ...(wallet.scanning ? ([["Looking through blocks", `up to ${wallet.height}`]] as const) : []),
    ]}
  />
);

/** What each view of one wallet is given. */
export interface WalletContext {
  readonly wallet: string;
  readonly apiKey: string;
}

export const walletPath = (wallet: string, rest = ""): string =>
  `/api/wallet/wallets/${encodeURIComponent(wallet)}${rest}`;
