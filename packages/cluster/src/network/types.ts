/**
 * One cluster's share of the loopback range. A cluster owns 127.<net>.0.0/16, so several clusters run beside each other:
 * 127.<net>.0.1 API server, 127.<net>.0.10 DNS, 127.<net>.1.0/24 nodes, 127.<net>.16.0-127.<net>.127.255 pods,
 * 127.<net>.128.0-127.<net>.239.255 ClusterIPs, 127.<net>.240.0-127.<net>.255.254 load balancers. Hosts .0 and .255 are not given out.
 */
export interface AddressPlan {
  readonly apiServer: string;
  readonly dns: string;
  /** The DNS server's UDP and TCP port: 53 where it may be bound, otherwise 5353. */
  readonly dnsPort: number;
  /** `cluster.local`. */
  readonly domain: string;
  node(index: number): string;
  /** Lowest and highest host number of a range, for allocators. */
  readonly pods: AddressRange;
  readonly services: AddressRange;
  readonly loadBalancers: AddressRange;
}

export interface AddressRange {
  readonly size: number;
  /** The address at `index`, 0 <= index < size. */
  at(index: number): string;
  contains(address: string): boolean;
}
