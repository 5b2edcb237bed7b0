/** A client broke the protocol or asked for too much: its connection ends with this code. */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: number;

  constructor(code: number) {
    super(`the connection ends with HTTP/2's error ${code}`);
    this.code = code;
  }
}
