export { WhitewaterError } from "./errors.ts";
