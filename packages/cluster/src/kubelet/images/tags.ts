/**
 * Whether an image would have that tag. There is no registry to ask, but a roll-out to a mistyped tag has to get stuck here as it does on
 * any cluster. Pure.
 */

const words = [
  "latest stable mainline edge current lts oldstable unstable rolling nightly",
  "slim alpine perl otel musl glibc uclibc debug minimal management full",
  "bookworm bullseye buster trixie sid testing noble jammy focal bionic amd64 arm64",
]
  .join(" ")
  .split(" ");

const word = new RegExp(`^(${words.join("|")})(\\d+(\\.\\d+)*)?$`);
/** A date, as Ubuntu and Debian publish them. */
const date = /^20\d{6}(\.\d+)?$/;
const version = /^v?(\d{1,3})(\.\d{1,2}){0,3}(rc\d+|[ab]\d+)?$/;

/** A tag is made of parts such as `1.27`, `alpine3.19`, `slim`. `newest` is the highest major version that there is. */
export function isPlausibleTag(tag: string, newest = Number.POSITIVE_INFINITY): boolean {
  const [first = "", ...rest] = tag.split("-");
  const major = version.exec(first)?.[1];
  const begins = major === undefined ? word.test(first) || date.test(first) : Number(major) <= newest;
  return begins && rest.every((part) => word.test(part) || version.test(part) || date.test(part));
}
