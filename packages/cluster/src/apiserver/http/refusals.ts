import { StatusError } from "../../machinery/errors.ts";

/** Nothing is served at this address. */
export const noSuchRoute = () => new StatusError("NotFound", "the server could not find the requested resource", {});

export const methodNotAllowed = () =>
  new StatusError("MethodNotAllowed", "the server does not allow this method on the requested resource", {});
