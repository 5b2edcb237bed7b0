import { randomInt } from "node:crypto";

/** Letters of generated names: no vowels, no look-alikes, so that no word appears by accident (as in Kubernetes). */
const alphabet = "bcdfghjklmnpqrstvwxz2456789";
const suffixLength = 5;
const maxGeneratedNameLength = 63;

/** A random suffix over Kubernetes' safe alphabet. */
export const randomSuffix = (length = suffixLength): string =>
  Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join("");

/** `metadata.generateName` to a name of at most 63 characters. */
export const generateName = (prefix: string): string =>
  prefix.slice(0, maxGeneratedNameLength - suffixLength) + randomSuffix();

/** Maps digits and letters as Kubernetes does for hashes in names (pod-template-hash, revisions). */
export const safeEncode = (text: string): string =>
  Array.from(text, (character) => alphabet[character.charCodeAt(0) % alphabet.length]).join("");
