import type { FormEvent } from "react";
import { useSession } from "../api/session.tsx";
import { Failure } from "../parts/parts.tsx";

export function SignIn({ refused, what = "The wallet" }: { readonly refused?: unknown; readonly what?: string }) {
  const { signIn } = useSession();
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    signIn(String(form.get("key")).trim(), form.get("remember") !== null);
  };
  return (
    <form className="card" onSubmit={submit}>
      <p>
        {what} needs the API key of this node: <code>BITCOIN_API_WALLET_KEY</code>, or{" "}
        <code>BITCOIN_API_ADMIN_KEY</code> which also opens the node's page.
      </p>
      <Failure error={refused} />
      <label>
        API key
        <input name="key" type="password" required maxLength={256} autoComplete="current-password" />
      </label>
      <label className="check">
        <input name="remember" type="checkbox" /> Keep it in this browser
      </label>
      <button type="submit">Use this key</button>
    </form>
  );
}
