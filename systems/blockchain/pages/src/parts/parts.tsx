/** Small parts that all pages share. */
import { type ReactNode, useEffect, useRef, useState } from "react";
import { ApiError, messageOf } from "../api/client.ts";
import { Link } from "../router.tsx";
import { coins, short } from "./format.ts";

/** A page's heading takes the focus when the page opens, so that a screen reader begins there. */
export function Heading({ children, title }: { readonly children: ReactNode; readonly title: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Blockchain`;
    heading.current?.focus({ preventScroll: true });
  }, [title]);
  return (
    <h1 tabIndex={-1} ref={heading}>
      {children}
    </h1>
  );
}

export function Failure({ error }: { readonly error: unknown }) {
  if (error === undefined || error === null) return null;
  const retry =
    error instanceof ApiError && error.retryAfterSeconds ? ` Try again in ${error.retryAfterSeconds} s.` : "";
  return (
    <p className="failure" role="alert">
      {messageOf(error)}
      {retry}
    </p>
  );
}

export const Loading = () => <p className="muted">Loading…</p>;

export const Amount = ({ value, sign = false }: { readonly value: number; readonly sign?: boolean }) => (
  <span className={sign ? (value < 0 ? "amount out" : "amount in") : "amount"}>
    {sign && value > 0 ? "+" : ""}
    {coins(value)}
  </span>
);

type Kind = "block" | "tx" | "address";

/** A hash or address, shortened for the eye and whole for a screen reader and the clipboard. */
export const Id = ({
  kind,
  id,
  whole = false,
}: {
  readonly kind: Kind;
  readonly id: string;
  readonly whole?: boolean;
}) => (
  <Link className="id" href={`/${kind}/${id}`} title={id}>
    {whole ? id : short(id)}
  </Link>
);

export function Copy({ text, what }: { readonly text: string; readonly what: string }) {
  const [isDone, setDone] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setDone(true);
    setTimeout(() => setDone(false), 2000);
  };
  return (
    <button type="button" className="quiet" onClick={() => void copy()} aria-label={`Copy ${what}`}>
      {isDone ? "Copied" : "Copy"}
    </button>
  );
}

/** Name and value pairs. */
export const Facts = ({ facts }: { readonly facts: readonly (readonly [string, ReactNode])[] }) => (
  <dl className="facts">
    {facts.map(([name, value]) => (
      <div key={name}>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
);

export interface Column<T> {
  readonly name: string;
  readonly cell: (item: T) => ReactNode;
  readonly isNumber?: boolean;
}

interface TableProps<T> {
  readonly caption: string;
  readonly columns: readonly Column<T>[];
  readonly items: readonly T[];
  readonly keyOf: (item: T) => string;
  readonly empty: string;
}

/** On a phone each row becomes a card, its cells named by `data-name`. */
export function Table<T>({ caption, columns, items, keyOf, empty }: TableProps<T>) {
  if (items.length === 0) return <p className="muted">{empty}</p>;
  return (
    <table>
      <caption className="hidden">{caption}</caption>
      <thead>
        <tr>
          {columns.map(({ name, isNumber }) => (
            <th key={name} scope="col" className={isNumber ? "number" : undefined}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {items.map((item) => (
          <tr key={keyOf(item)}>
            {columns.map(({ name, cell, isNumber }) => (
              <td key={name} data-name={name} className={isNumber ? "number" : undefined}>
                {cell(item)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface PagerProps {
  readonly page: number;
  readonly limit: number;
  readonly total: number;
  /** Address of a page of the list. */
  readonly to: (page: number) => string;
}

export function Pager({ page, limit, total, to }: PagerProps) {
  const last = Math.max(1, Math.ceil(total / limit));
  if (last === 1) return null;
  return (
    <nav className="pager" aria-label="Pages">
      {page > 1 ? <Link href={to(page - 1)}>Newer</Link> : <span />}
      <span className="muted">
        {page} of {last}
      </span>
      {page < last ? <Link href={to(page + 1)}>Older</Link> : <span />}
    </nav>
  );
}
