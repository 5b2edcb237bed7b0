/** Images that everyone uses, as programs of ours or of this machine. A new one is a row; the key is the last part of the image's name. */
import type { Program } from "./types.ts";

export interface WellKnown extends Program {
  /** The program that must be there. */
  readonly needs: string;
  /** Busybox's own tools come before the host's, as they would in that image. */
  readonly prefersApplets?: boolean;
  /** The highest major version that exists: what is above it is a mistake. */
  readonly newest?: number;
}

const shell: WellKnown = { needs: "sh", command: [], args: ["sh"], prefersApplets: true, user: 0 };
const bash: WellKnown = { needs: "bash", command: [], args: ["bash"], user: 0 };

const html = "/usr/share/nginx/html";
const conf = "/etc/nginx/conf.d";
const nginx: WellKnown = {
  needs: "nginx",
  command: [],
  args: ["nginx", "-g", "daemon off;"],
  // Names of the folders, because these are translated where the container has no root of its own.
  env: { NGINX_HTML: html, NGINX_CONF: conf },
  ownDirs: [html, conf],
  newest: 1,
  user: 0,
};

const htdocs = "/usr/local/apache2/htdocs";

export const wellKnown: Readonly<Record<string, WellKnown>> = {
  busybox: { ...shell, newest: 1 },
  alpine: { ...shell, newest: 3 },
  debian: bash,
  ubuntu: bash,
  bash: { ...bash, prefersApplets: true },
  nginx,
  "nginx-slim": nginx,
  "nginx-unprivileged": { ...nginx, env: { ...nginx.env, NGINX_PORT: "8080" }, user: 101 },
  httpd: {
    needs: "httpd-foreground",
    command: [],
    args: ["httpd-foreground"],
    env: { APACHE_HTDOCS: htdocs },
    ownDirs: [htdocs],
    workingDir: "/usr/local/apache2",
    newest: 2,
    user: 0,
  },
  node: { needs: "node", command: [], args: ["node"], user: 0 },
  python: { needs: "python3", command: [], args: ["python3"], newest: 3, user: 0 },
  perl: { needs: "perl", command: [], args: ["perl", "-de0"], newest: 5, user: 0 },
  redis: {
    needs: "redis-server",
    command: [],
    args: ["redis-server"],
    ownDirs: ["/data"],
    workingDir: "/data",
    newest: 8,
  },
  valkey: { needs: "redis-server", command: [], args: ["redis-server"], ownDirs: ["/data"], workingDir: "/data" },
  curl: { needs: "curl", command: ["curl"] },
  kubectl: { needs: "kubectl", command: ["kubectl"] },
  etcd: { needs: "etcd", command: ["etcd"] },
  pause: { needs: "sleep", command: ["sleep", "2147483647"] },
  "http-echo": { needs: "http-echo", command: ["http-echo"] },
  agnhost: { needs: "agnhost", command: ["agnhost"], args: ["pause"] },
  echoserver: { needs: "echoserver", command: ["echoserver"] },
  "echo-server": { needs: "echoserver", command: ["echoserver"] },
  whoami: { needs: "traefik-whoami", command: ["traefik-whoami"] },
};
