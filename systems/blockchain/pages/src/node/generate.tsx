import { type FormEvent, useState } from "react";
import { request } from "../api/client.ts";
import { Failure } from "../parts/parts.tsx";
import { useAction } from "../wallet/use-action.ts";

/** Blocks now, for those who try things out. */
export function Generate({ apiKey }: { readonly apiKey: string }) {
  const [message, setMessage] = useState<string>();
  const { run, isBusy, error } = useAction(async (form: FormData) => {
    setMessage(undefined);
    const body = { nblocks: Number(form.get("count")), address: String(form.get("address")).trim() };
    const answer = await request<{ message: string }>("/api/admin/mining/generatetoaddress", {
      method: "POST",
      key: apiKey,
      body,
    });
    setMessage(answer.message);
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    run(new FormData(event.currentTarget));
  };
  return (
    <form className="card" onSubmit={submit}>
      <h2>Mine now</h2>
      <label>
        Blocks
        <input name="count" type="number" min={1} max={1000} defaultValue={1} required />
      </label>
      <label>
        To address
        <input name="address" required minLength={26} maxLength={90} autoComplete="off" spellCheck={false} />
      </label>
      <Failure error={error} />
      <button type="submit" disabled={isBusy}>
        {isBusy ? "Mining…" : "Mine"}
      </button>
      {message && <p role="status">{message}</p>}
    </form>
  );
}
