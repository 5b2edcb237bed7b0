import type { FormEvent } from "react";
import type { WalletView } from "../../../src/web/views.ts";
import { request } from "../api/client.ts";
import { Failure } from "../parts/parts.tsx";
import { useAction } from "./use-action.ts";
import { walletPath } from "./wallet.tsx";

const minutes = 10;

interface LockProps {
  readonly wallet: WalletView;
  readonly apiKey: string;
  readonly changed: () => void;
}

/** An encrypted wallet signs only while its passphrase is known. */
export function Lock({ wallet, apiKey, changed }: LockProps) {
  const { run, isBusy, error } = useAction(async (passphrase: string | undefined) => {
    const path = walletPath(wallet.name, passphrase === undefined ? "/lock" : "/unlock");
    const body = passphrase === undefined ? undefined : { passphrase, seconds: minutes * 60 };
    await request(path, { method: "POST", key: apiKey, body });
    changed();
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    run(wallet.locked ? String(new FormData(event.currentTarget).get("passphrase")) : undefined);
  };
  return (
    <form className="actions" onSubmit={submit}>
      {wallet.locked && (
        <label>
          Passphrase
          <input name="passphrase" type="password" required maxLength={1024} autoComplete="current-password" />
        </label>
      )}
      <button type="submit" className="quiet" disabled={isBusy}>
        {wallet.locked ? `Unlock for ${minutes} minutes` : "Lock"}
      </button>
      <Failure error={error} />
    </form>
  );
}
