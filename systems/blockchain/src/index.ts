export { BlockchainError } from "./errors.ts";
