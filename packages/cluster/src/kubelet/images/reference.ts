import { createHash } from "node:crypto";

export interface ImageReference {
  /** With registry, without tag and digest: `ghcr.io/acme/tool`. */
  readonly repository: string;
  /** The last path segment: `tool`. */
  readonly name: string;
  /** The last two path segments: `acme/tool`. */
  readonly qualifiedName: string;
  readonly tag: string | undefined;
}

const pattern = /^([a-z0-9][a-z0-9._:-]*\/)*[a-z0-9][a-z0-9._-]*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/i;

/** Splits an image reference; undefined when it is none. */
export function parseImage(image: string): ImageReference | undefined {
  if (image.length > 1024 || !pattern.test(image)) return undefined;
  const [untagged = ""] = image.split("@");
  const slash = untagged.lastIndexOf("/");
  const colon = untagged.indexOf(":", slash + 1);
  const repository = colon < 0 ? untagged : untagged.slice(0, colon);
  const segments = repository.split("/");
  return {
    repository,
    name: segments.at(-1) ?? "",
    qualifiedName: segments.slice(-2).join("/"),
    tag: colon < 0 ? undefined : untagged.slice(colon + 1),
  };
}

/** A stable identity for status.imageID; there are no layers here to hash. */
export const imageIdOf = (image: string): string =>
  `${parseImage(image)?.repository ?? image}@sha256:${createHash("sha256").update(image).digest("hex")}`;
