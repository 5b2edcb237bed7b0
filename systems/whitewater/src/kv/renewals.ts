/** Renewals of leases, gathered: those asked for while a proposal is under way share the next one. */

type Renew = (ids: readonly bigint[]) => Promise<ReadonlyMap<bigint, number>>;

const mostAtOnce = 4096;

interface Batch {
  readonly ids: Set<bigint>;
  readonly result: Promise<ReadonlyMap<bigint, number>>;
  readonly start: () => void;
}

export class Renewals {
  private readonly renew: Renew;
  private next: Batch | undefined;
  private isBusy = false;

  constructor(renew: Renew) {
    this.renew = renew;
  }

  /** The lease's TTL; 0 when there is none. */
  async add(id: bigint): Promise<number> {
    if (this.next === undefined || this.next.ids.size >= mostAtOnce) this.next = this.batch();
    const { ids, result } = this.next;
    ids.add(id);
    if (!this.isBusy) this.run();
    return (await result).get(id) ?? 0;
  }

  private batch(): Batch {
    const ids = new Set<bigint>();
    let start = (): void => {};
    const started = new Promise<void>((resolve) => {
      start = resolve;
    });
    return { ids, result: started.then(() => this.renew([...ids])), start };
  }

  private run(): void {
    const batch = this.next;
    if (batch === undefined) return;
    this.isBusy = true;
    const done = (): void => {
      this.isBusy = false;
      this.run();
    };
    batch.result.then(done, done);
    setImmediate(() => {
      if (this.next === batch) this.next = undefined;
      batch.start();
    });
  }
}
