import type { FormEvent, ReactNode } from "react";
import { useSession } from "../api/session.tsx";
import { Failure } from "../parts/parts.tsx";

export interface SignInProps {
  readonly refused?: unknown;
  readonly children: ReactNode;
}

/** `children` say what needs which key. */
export function SignIn({ refused, children }: SignInProps) {
  const { signIn } = useSession();
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    signIn(String(form.get("key")).trim(), form.get("remember") !== null);
  };
  return (
    <form className="card" onSubmit={submit}>
      <p>{children}</p>
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
