/** Images that everyone uses, as programs that this machine may have. A new one is a row. */

export interface WellKnown {
  /** The host program that must be there. */
  readonly needs: string;
  readonly command: readonly string[];
  readonly args?: readonly string[];
  /** Busybox's own tools come before the host's, as they would in that image. */
  readonly prefersApplets?: boolean;
}

const shell: WellKnown = { needs: "sh", command: [], args: ["sh"] };

export const wellKnown: Readonly<Record<string, WellKnown>> = {
  busybox: { ...shell, prefersApplets: true },
  alpine: { ...shell, prefersApplets: true },
  debian: { needs: "bash", command: [], args: ["bash"] },
  ubuntu: { needs: "bash", command: [], args: ["bash"] },
  bash: { needs: "bash", command: [], args: ["bash"] },
  node: { needs: "node", command: [], args: ["node"] },
  python: { needs: "python3", command: [], args: ["python3"] },
  redis: { needs: "redis-server", command: [], args: ["redis-server"] },
  nginx: { needs: "nginx", command: [], args: ["nginx", "-g", "daemon off;"] },
  curl: { needs: "curl", command: ["curl"] },
  kubectl: { needs: "kubectl", command: ["kubectl"] },
  etcd: { needs: "etcd", command: ["etcd"] },
  pause: { needs: "sleep", command: ["sleep", "2147483647"] },
};
