import { silentLogger } from "@coracle/pod";
import { onTestFinished } from "vitest";
import type { WebBackend } from "../../../src/web/backend.ts";
import { parseLimitSettings, unlimited } from "../../../src/web/limits/settings.ts";
import { createWebServer, type WebServer, type WebServerOptions, type WebSettings } from "../../../src/web/server.ts";
import { fakeBackend } from "./fake-backend.ts";

export const adminKey = "the-admin";
export const walletKey = "the-wallet";

export interface Overrides extends Partial<Omit<WebServerOptions, "settings" | "limits">> {
  readonly backend?: WebBackend;
  readonly settings?: Partial<WebSettings>;
  /** TOML. */
  readonly limits?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: answers of many forms, looked at here and there
  readonly body: any;
}

export interface TestServer {
  readonly web: WebServer;
  readonly url: string;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
}

/** Stopped when the test is over. */
export async function startWeb({ settings, limits, ...rest }: Overrides = {}): Promise<TestServer> {
  const web = await createWebServer({
    backend: fakeBackend(),
    logger: silentLogger,
    version: "1.2.3",
    pagesDir: "/nowhere",
    ...rest,
    limits: limits === undefined ? unlimited : parseLimitSettings(limits),
    settings: {
      webHost: "127.0.0.1",
      webPort: 0,
      bitcoinApiAdminKey: adminKey,
      bitcoinApiWalletKey: walletKey,
      openSpending: false,
      trustedProxyHops: 0,
      ...settings,
    },
  });
  onTestFinished(() => web.stop());
  const url = `http://127.0.0.1:${web.port}`;
  const ask = async (path: string, init: RequestInit): Promise<Answer> => {
    const response = await fetch(url + path, init);
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json");
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  };
  return {
    web,
    url,
    get: (path, headers = {}) => ask(path, { headers }),
    post: (path, body, headers = {}) =>
      ask(path, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
  };
}
