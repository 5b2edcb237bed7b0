/** What every answer carries, and what no request may look like. */
import type { FastifyInstance } from "fastify";
import { BlockchainError } from "../errors.ts";

const longestUrl = 2048;

/** Nothing from elsewhere, nothing inline. */
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

export const securityHeaders: Readonly<Record<string, string>> = {
  "Content-Security-Policy": contentPolicy,
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
};

/** Installed first, so that what is refused carries the headers too. */
export function installSafety(server: FastifyInstance): void {
  server.addHook("onRequest", async (request, reply) => {
    reply.headers(securityHeaders);
    if (isApi(request.url)) reply.header("Cache-Control", "no-store");
    const trick = trickIn(request.raw.url ?? "");
    if (trick) throw new BlockchainError("bad-request", `the address has ${trick}`);
  });
}

export const isApi = (url: string): boolean => /^\/(api|health|metrics)([/?-]|$)/i.test(url);

/** What serves to be read one way by a proxy and another way here; none of our addresses needs any of it. */
export function trickIn(url: string): string | undefined {
  if (url.length > longestUrl) return `more than ${longestUrl} characters`;
  if (!url.startsWith("/")) return "no path";
  const path = url.split("?", 1)[0] ?? "";
  if (/[^!-[\]-~]|%(00|2f|5c|25)/i.test(path)) return "characters that a path may not have";
  if (path.includes("//") || /(^|\/)(\.|%2e){1,2}(\/|$)/i.test(path)) return "empty or relative segments";
  return undefined;
}
