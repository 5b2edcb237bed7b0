/** What stands around every page: where one can go, the search, and whether the node still talks to us. */
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { messageOf, request } from "./api/client.ts";
import { useLive } from "./api/live.tsx";
import { Link, navigate, useLocation } from "./router.tsx";

const places: readonly (readonly [string, string])[] = [
  ["/", "Explorer"],
  ["/mempool", "Mempool"],
  ["/wallet", "Wallet"],
  ["/node", "Node"],
];

export function Frame({ children }: { readonly children: ReactNode }) {
  const [path = "/"] = useLocation().split("?");
  return (
    <>
      <a className="skip" href="#content">
        Skip to content
      </a>
      <header>
        <div className="bar">
          <Link className="brand" href="/">
            Blockchain
          </Link>
          <nav aria-label="Main">
            {places.map(([href, name]) => (
              <Link key={href} href={href} aria-current={path === href ? "page" : undefined}>
                {name}
              </Link>
            ))}
          </nav>
          <Theme />
        </div>
        <Search />
      </header>
      <main id="content">{children}</main>
      <footer>
        <Status />
        <a href="/swagger-ui">API</a>
      </footer>
    </>
  );
}

function Status() {
  const { isConnected, chain } = useLive();
  const text = isConnected ? (chain?.synced === false ? "Fetching blocks" : "Live") : "Not connected";
  return (
    <span role="status" className={isConnected ? "live" : "away"}>
      {text}
      {chain ? ` · ${chain.chain} · block ${chain.height}` : ""}
    </span>
  );
}

const found: Readonly<Record<string, string>> = { block: "block", transaction: "tx", address: "address" };

function Search() {
  const [error, setError] = useState<string>();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const focus = (event: KeyboardEvent): void => {
      const isTyping = event.target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
      if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      field.current?.focus();
    };
    addEventListener("keydown", focus);
    return () => removeEventListener("keydown", focus);
  }, []);
  const search = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const text = field.current?.value.trim() ?? "";
    if (text === "") return;
    try {
      const { kind, id } = await request<{ kind: string; id: string }>(`/api/v1/search?q=${encodeURIComponent(text)}`);
      setError(undefined);
      navigate(`/${found[kind]}/${id}`);
    } catch (failure) {
      setError(messageOf(failure));
    }
  };
  return (
    <search>
      <form onSubmit={(event) => void search(event)}>
        <input
          ref={field}
          type="search"
          aria-label="Search"
          placeholder="Height, block, transaction or address ( / )"
          maxLength={100}
          autoComplete="off"
          spellCheck={false}
        />
        <button type="submit">Search</button>
      </form>
      {error && (
        <p className="failure" role="alert">
          {error}
        </p>
      )}
    </search>
  );
}

const themes = ["auto", "light", "dark"] as const;
type ThemeName = (typeof themes)[number];
const themeSlot = "blockchain-theme";

function Theme() {
  const [theme, setTheme] = useState(() => (localStorage.getItem(themeSlot) ?? "auto") as ThemeName);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    localStorage.setItem(themeSlot, theme);
  }, [theme]);
  const next = themes[(themes.indexOf(theme) + 1) % themes.length] ?? "auto";
  return (
    <button
      type="button"
      className="quiet"
      onClick={() => setTheme(next)}
      aria-label={`Colours: ${theme}. Change to ${next}`}
    >
      Colours: {theme}
    </button>
  );
}
