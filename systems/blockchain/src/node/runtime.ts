/**
 * Small buffers share a slab, which stays as long as one of them does: of the transactions, ids and scripts kept out of the thousands that come
 * and go, each would hold Node's 8 KiB. It is this much now, which the sizes that pools and caches count with allow for; making slabs more
 * often costs next to nothing.
 */
const SLAB_BYTES = 1024;

/** For a program to decide, not for a library: once, before anything else is done. */
export function shareLessMemory(): void {
  Buffer.poolSize = SLAB_BYTES;
}
