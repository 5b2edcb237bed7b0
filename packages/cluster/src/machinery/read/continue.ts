/** The token of a list's next page: the version that the list shows, and the last key it has told. */
import { badRequest } from "../write/refusals.ts";

export interface Continuation {
  readonly version: number;
  /** `namespace/name`; the next page begins after it. */
  readonly after: string;
}

export const encodeContinue = ({ version, after }: Continuation): string =>
  Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv: version, start: after })).toString("base64url");

/** Throws BadRequest for what `encodeContinue` did not make. */
export function decodeContinue(token: string): Continuation {
  try {
    const { rv, start } = JSON.parse(Buffer.from(token, "base64url").toString());
    if (Number.isSafeInteger(rv) && typeof start === "string") return { version: rv, after: start };
  } catch {
    // Falls through to the refusal: a token is ours or it is nothing.
  }
  throw badRequest("continue key is not valid");
}
