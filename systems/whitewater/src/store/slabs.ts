/** Values lie side by side in slabs outside of the JavaScript heap: a million of them are a few thousand buffers to the garbage collector. */
import type { KeyVersion } from "./version.ts";

const slabBytes = 64 * 1024;
/** A value above this gets memory of its own. */
const largestShared = 8 * 1024;

export class Slabs {
  private slab: Buffer = Buffer.allocUnsafeSlow(slabBytes);
  private used = 0;

  /** For versions without a value. */
  get empty(): Buffer {
    return this.slab;
  }

  /** Copies `value` and notes in `version` where it lies. */
  place(version: KeyVersion, value: Uint8Array): void {
    const { length } = value;
    if (length > largestShared) {
      version.slab = Buffer.allocUnsafeSlow(length);
      version.start = 0;
    } else {
      if (this.used + length > slabBytes) this.renew();
      version.slab = this.slab;
      version.start = this.used;
      this.used += length;
    }
    version.slab.set(value, version.start);
    version.length = length;
  }

  private renew(): void {
    this.slab = Buffer.allocUnsafeSlow(slabBytes);
    this.used = 0;
  }
}
