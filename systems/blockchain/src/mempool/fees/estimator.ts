/**
 * What fee rate gets a transaction into a block soon, judged by what happened lately (the method of Bitcoin Core's estimator, with one horizon
 * instead of three). Rates are sorted into buckets 5 % apart. For every bucket and number of blocks it is counted how many transactions were
 * confirmed within so many blocks and how many were not; old counts fade. The answer is the lowest range of buckets of which, and of all above,
 * enough were confirmed in time.
 *
 * Honest means: no answer while too little was seen, and none made up from the relay minimum. Only transactions count that this node saw
 * waiting, and that had no parent in the pool, since a child's rate says little.
 */
const LOWEST_RATE = 100;
const HIGHEST_RATE = 1e7;
const SPACING = 1.05;
export const MAX_TARGET = 48;
/** Counts halve every 144 blocks. */
const DECAY = 0.9952;
/** As many transactions per block, on average, a range of buckets must have seen to be trusted. */
const SUFFICIENT_PER_BLOCK = 0.1;
const SUFFICIENT = SUFFICIENT_PER_BLOCK / (1 - DECAY);
/** Transactions watched at most; others are not counted. */
const MAX_WATCHED = 200_000;

const BUCKETS: readonly number[] = (() => {
  const rates: number[] = [];
  for (let rate = LOWEST_RATE; rate <= HIGHEST_RATE; rate *= SPACING) rates.push(rate);
  return rates;
})();

const bucketOf = (rate: number): number =>
  Math.max(0, Math.min(BUCKETS.length - 1, Math.floor(Math.log(rate / LOWEST_RATE) / Math.log(SPACING))));

interface Watched {
  readonly height: number;
  readonly bucket: number;
  readonly rate: number;
}

/** Counts of one bucket; `within[n]` and `failed[n]` are for a target of n blocks. */
interface Bucket {
  rates: number;
  confirmed: number;
  readonly within: number[];
  readonly failed: number[];
}

const emptyBucket = (): Bucket => ({
  rates: 0,
  confirmed: 0,
  within: new Array<number>(MAX_TARGET + 1).fill(0),
  failed: new Array<number>(MAX_TARGET + 1).fill(0),
});

export interface EstimatorState {
  readonly version: 1;
  readonly height: number;
  readonly buckets: Readonly<Record<string, Bucket>>;
}

export class FeeEstimator {
  readonly #buckets: Bucket[] = BUCKETS.map(emptyBucket);
  /** Which buckets have counts: of the others nothing fades, and while catching up blocks come by the thousand. */
  readonly #used = new Set<number>();
  readonly #watched = new Map<string, Watched>();
  #height = 0;

  /** It came into the pool while the tip was at `height`. `rate` in satoshis per 1000 virtual bytes. */
  added(key: string, rate: number, height: number): void {
    if (this.#watched.size < MAX_WATCHED) this.#watched.set(key, { height, rate, bucket: bucketOf(rate) });
  }

  /** It left without a block: what waited longer than a target counts against it. */
  removed(key: string): void {
    const tx = this.#watched.get(key);
    if (!tx) return;
    this.#watched.delete(key);
    const waited = Math.min(this.#height - tx.height, MAX_TARGET);
    for (let target = 1; target <= waited; target++) this.#count(tx.bucket, "failed", target);
  }

  /** Not called for blocks that come back in a reorganisation: they were counted. */
  block(height: number, confirmed: readonly string[]): void {
    if (height <= this.#height) return;
    this.#height = height;
    for (const i of this.#used) fade(this.#buckets[i] as Bucket);
    for (const key of confirmed) this.#confirm(key, height);
  }

  /** The rate at which `share` of the transactions got in within `target` blocks. */
  estimate(target: number, share: number): number | undefined {
    const waiting = this.#waiting(target);
    let best: readonly Bucket[] | undefined;
    let range: Bucket[] = [];
    const sum = { within: 0, all: 0 };
    for (let i = BUCKETS.length - 1; i >= 0; i--) {
      const bucket = this.#buckets[i] as Bucket;
      range.push(bucket);
      sum.within += bucket.within[target] as number;
      sum.all += bucket.confirmed + (bucket.failed[target] as number) + (waiting[i] as number);
      if (sum.all < SUFFICIENT) continue;
      if (sum.within / sum.all < share) break;
      best = range;
      range = [];
      [sum.within, sum.all] = [0, 0];
    }
    return best && medianRate(best);
  }

  save(): EstimatorState {
    const used = this.#buckets.map((bucket, i) => [String(i), bucket] as const);
    const isUsed = ({ confirmed, failed }: Bucket): boolean => confirmed > 1e-6 || failed.some((count) => count > 1e-6);
    return {
      version: 1,
      height: this.#height,
      buckets: Object.fromEntries(used.filter(([, bucket]) => isUsed(bucket))),
    };
  }

  /** What `save` gave; anything else is left alone. */
  load(state: unknown): void {
    if (!isState(state)) return;
    this.#height = state.height;
    for (const [i, bucket] of Object.entries(state.buckets)) {
      if (!this.#buckets[Number(i)] || !isBucket(bucket)) continue;
      this.#buckets[Number(i)] = bucket;
      this.#used.add(Number(i));
    }
  }

  #confirm(key: string, height: number): void {
    const tx = this.#watched.get(key);
    if (!tx) return;
    this.#watched.delete(key);
    const bucket = this.#buckets[tx.bucket] as Bucket;
    this.#used.add(tx.bucket);
    bucket.confirmed++;
    bucket.rates += tx.rate;
    for (let target = Math.max(1, height - tx.height); target <= MAX_TARGET; target++) {
      this.#count(tx.bucket, "within", target);
    }
  }

  #count(bucket: number, kind: "within" | "failed", target: number): void {
    const counts = (this.#buckets[bucket] as Bucket)[kind];
    counts[target] = (counts[target] as number) + 1;
    this.#used.add(bucket);
  }

  /** Per bucket, those in the pool that have waited for as long as the target already. */
  #waiting(target: number): number[] {
    const counts = new Array<number>(BUCKETS.length).fill(0);
    for (const { height, bucket } of this.#watched.values()) {
      if (this.#height - height >= target) counts[bucket] = (counts[bucket] as number) + 1;
    }
    return counts;
  }
}

function fade(bucket: Bucket): void {
  bucket.rates *= DECAY;
  bucket.confirmed *= DECAY;
  for (const counts of [bucket.within, bucket.failed]) {
    for (let i = 0; i < counts.length; i++) counts[i] = (counts[i] as number) * DECAY;
  }
}

/** Average rate of the bucket that the middle transaction of the range is in. */
function medianRate(range: readonly Bucket[]): number | undefined {
  let left = range.reduce((sum, { confirmed }) => sum + confirmed, 0) / 2;
  for (const { confirmed, rates } of range) {
    if (confirmed >= left && confirmed > 0) return Math.round(rates / confirmed);
    left -= confirmed;
  }
  return undefined;
}

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) &&
  value.length === MAX_TARGET + 1 &&
  value.every((count) => Number.isFinite(count) && count >= 0);

const isBucket = (value: unknown): value is Bucket => {
  const { rates, confirmed, within, failed } = (value ?? {}) as Partial<Bucket>;
  return Number.isFinite(rates) && Number.isFinite(confirmed) && isCounts(within) && isCounts(failed);
};

const isState = (value: unknown): value is EstimatorState => {
  const { version, height, buckets } = (value ?? {}) as Partial<EstimatorState>;
  return version === 1 && Number.isSafeInteger(height) && typeof buckets === "object" && buckets !== null;
};
