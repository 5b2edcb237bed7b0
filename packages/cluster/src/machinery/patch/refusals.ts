import { StatusError } from "../errors.ts";

/** The patch itself is malformed. */
export const badPatch = (why: string) => new StatusError("BadRequest", `error decoding patch: ${why}`);

/** The patch does not apply to this object. Kubernetes does not say why, so the reason stays here, as the error's cause. */
export const unappliedPatch = (why: string) =>
  new StatusError("Invalid", "the server rejected our request due to an error in our request", {}, { cause: why });

/** Custom resources have no Go types to take merge keys from. */
export const unsupportedPatch = () =>
  new StatusError(
    "UnsupportedMediaType",
    "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
  );
