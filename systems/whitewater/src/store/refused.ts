/** A command that cannot be obeyed: every member finds the same, and the log goes on. */

import type { WhitewaterError } from "../errors.ts";
import { type Refusal, refuse } from "../kv/refusals.ts";

/** A value, not an Error: thousands a second may be made, and nobody looks at where. */
export class Refused {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    this.refusal = refusal;
  }

  toError(): WhitewaterError {
    return refuse(this.refusal);
  }
}
