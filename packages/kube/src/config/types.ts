/** How to reach one API server, and as whom. */
export interface KubeConnection {
  /** `https://host:port`, or `http:` for a local proxy. May have a path prefix. */
  readonly server: string;
  /** Namespace used when a call names none. */
  readonly namespace: string;
  readonly tls: TlsSettings;
  readonly credentials: Credentials;
}

export interface TlsSettings {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Name expected in the server's certificate, if not the host of `server`. */
  readonly serverName?: string;
  readonly insecureSkipVerify?: boolean;
}

export interface Credentials {
  /** Value of the Authorization header; undefined when a client certificate (or nothing) identifies us. */
  authorization(): Promise<string | undefined>;
  /** The server refused them: read them anew next time. */
  refresh(): void;
}
