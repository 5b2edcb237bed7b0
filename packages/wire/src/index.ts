export { WireError, type WireErrorCode } from "./errors.ts";
export type { WireHandlers, WireLimits, WireOptions, WirePeer, WireTls } from "./options.ts";
