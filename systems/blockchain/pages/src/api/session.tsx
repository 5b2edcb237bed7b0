/** The API key that the user gave: in this tab only, or, where they ask for it, kept by this browser. */
import { createContext, type ReactNode, useContext, useMemo, useState } from "react";

export interface Session {
  readonly key: string | undefined;
  signIn(key: string, remember: boolean): void;
  signOut(): void;
}

const slot = "blockchain-api-key";
const Context = createContext<Session | undefined>(undefined);

export function SessionProvider({ children }: { readonly children: ReactNode }) {
  const [key, setKey] = useState(() => sessionStorage.getItem(slot) ?? localStorage.getItem(slot) ?? undefined);
  const session = useMemo<Session>(
    () => ({
      key,
      signIn: (fresh, remember) => {
        (remember ? localStorage : sessionStorage).setItem(slot, fresh);
        setKey(fresh);
      },
      signOut: () => {
        sessionStorage.removeItem(slot);
        localStorage.removeItem(slot);
        setKey(undefined);
      },
    }),
    [key],
  );
  return <Context value={session}>{children}</Context>;
}

export function useSession(): Session {
  const session = useContext(Context);
  if (session === undefined) throw new TypeError("useSession outside of SessionProvider");
  return session;
}
