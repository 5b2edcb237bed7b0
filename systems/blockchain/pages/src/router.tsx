/** Addresses of pages, and links that move between them without loading everything again. */
import { type AnchorHTMLAttributes, type MouseEvent, useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
const tell = (): void => {
  for (const listener of listeners) listener();
};
addEventListener("popstate", tell);

export function navigate(to: string): void {
  history.pushState(null, "", to);
  scrollTo(0, 0);
  tell();
}

/** Path and query of this moment. */
export const useLocation = (): string =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => location.pathname + location.search,
  );

export function Link({ href = "/", onClick, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement>) {
  const go = (event: MouseEvent<HTMLAnchorElement>): void => {
    onClick?.(event);
    // With a modifier it is for another tab, which is the browser's business.
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    event.preventDefault();
    navigate(href);
  };
  return <a {...rest} href={href} onClick={go} />;
}

/** `page` of the query, from 1. */
export const pageOf = (address: string): number =>
  Math.max(1, Math.trunc(Number(new URLSearchParams(address.split("?")[1] ?? "").get("page"))) || 1);
