/** The seam for NetworkPolicy: asked before every connection of this process, in either direction. */
export interface PolicyGuard {
  permits(direction: "ingress" | "egress", peer: string, port: number): boolean;
}

export const permitAll: PolicyGuard = { permits: () => true };
