import { type FormEvent, useState } from "react";
import { request } from "../api/client.ts";
import { Copy, Failure } from "../parts/parts.tsx";
import { useAction } from "./use-action.ts";

interface Created {
  readonly name: string;
  readonly mnemonic: string | null;
}

interface CreateProps {
  readonly apiKey: string;
  readonly created: (name: string) => void;
}

/** A new wallet, whose words are shown once, or an old one restored from its words. */
export function Create({ apiKey, created }: CreateProps) {
  const [fresh, setFresh] = useState<Created>();
  const { run, isBusy, error } = useAction(async (form: FormData) => {
    const text = (name: string): string => String(form.get(name) ?? "").trim();
    const mnemonic = text("words").toLowerCase().split(/\s+/).filter(Boolean).join(" ");
    const wallet = await request<Created>("/api/wallet/wallets", {
      method: "POST",
      key: apiKey,
      body: {
        name: text("name"),
        ...(mnemonic && { mnemonic }),
        ...(text("passphrase") && { passphrase: text("passphrase") }),
      },
    });
    if (wallet.mnemonic === null) created(wallet.name);
    else setFresh(wallet);
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    run(new FormData(event.currentTarget));
  };
  if (fresh?.mnemonic) return <Words wallet={fresh.name} words={fresh.mnemonic} done={() => created(fresh.name)} />;
  return (
    <form className="card" onSubmit={submit}>
      <h2>New wallet</h2>
      <label>
        Name
        <input name="name" required maxLength={64} pattern="[A-Za-z0-9 _.\-]+" autoComplete="off" />
      </label>
      <label>
        Passphrase (encrypts it on the node; may be empty)
        <input name="passphrase" type="password" maxLength={1024} autoComplete="new-password" />
      </label>
      <label>
        Words of a wallet to restore (empty for a new one)
        <textarea name="words" rows={3} maxLength={400} autoComplete="off" spellCheck={false} />
      </label>
      <Failure error={error} />
      <button type="submit" disabled={isBusy}>
        {isBusy ? "Working…" : "Create"}
      </button>
    </form>
  );
}

interface WordsProps {
  readonly wallet: string;
  readonly words: string;
  readonly done: () => void;
}

function Words({ wallet, words, done }: WordsProps) {
  const [isWritten, setWritten] = useState(false);
  return (
    <section className="card" aria-labelledby="words">
      <h2 id="words">Write these words down</h2>
      <p>
        They are <strong>{wallet}</strong>: who has them has its coins, and without them a lost volume is lost for good.
        They are not shown again.
      </p>
      <ol className="words">
        {words.split(" ").map((word, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: words repeat, their places don't change
          <li key={index}>{word}</li>
        ))}
      </ol>
      <Copy text={words} what="words" />
      <label className="check">
        <input type="checkbox" checked={isWritten} onChange={(event) => setWritten(event.target.checked)} /> I have
        written them down
      </label>
      <button type="button" disabled={!isWritten} onClick={done}>
        Open the wallet
      </button>
    </section>
  );
}
