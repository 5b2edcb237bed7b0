/** Bytes on their way to a socket: short pieces share pages, long ones go as they are. */
const PAGE_BYTES = 16 * 1024;
/** Up to this length a loop is faster than a call into native code. */
const SHORT = 24;
/** From this size on a copy costs more than a piece of its own in the write. */
const LARGE_BYTES = 4 * 1024;

export class Output {
  #pieces: Uint8Array[] = [];
  #page: Buffer = Buffer.alloc(0);
  #start = 0;
  #at = 0;
  #sizeBytes = 0;

  /** Bytes written and not yet taken. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Latin-1 text: protocol words. */
  ascii(text: string): void {
    this.#reserve(text.length);
    if (text.length > SHORT) this.#page.write(text, this.#at, "latin1");
    else for (let i = 0; i < text.length; i++) this.#page[this.#at + i] = text.charCodeAt(i);
    this.#at += text.length;
    this.#sizeBytes += text.length;
  }

  /** Bytes that stay unchanged until they are sent. */
  bytes(bytes: Uint8Array): void {
    if (bytes.length >= LARGE_BYTES) this.#large(bytes);
    else this.#small(bytes);
    this.#sizeBytes += bytes.length;
  }

  /** Everything written since the last call. */
  take(): readonly Uint8Array[] {
    this.#cut();
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#sizeBytes = 0;
    return pieces;
  }

  #large(bytes: Uint8Array): void {
    this.#cut();
    this.#pieces.push(bytes);
  }

  #small(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#page.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #reserve(length: number): void {
    if (this.#at + length <= this.#page.length) return;
    this.#cut();
    this.#page = Buffer.allocUnsafeSlow(Math.max(PAGE_BYTES, length));
    this.#start = 0;
    this.#at = 0;
  }

  #cut(): void {
    if (this.#at > this.#start) this.#pieces.push(this.#page.subarray(this.#start, this.#at));
    this.#start = this.#at;
  }
}
