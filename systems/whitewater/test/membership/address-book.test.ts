/** Where pods are looked for, and in which order. */
import { expect, it } from "vitest";
import { AddressBook } from "../../src/membership/address-book.ts";

const peer = (n: number, host: string, terminating = false) => ({ id: `w-${n}`, host, port: 8090, terminating });

it("takes what discovery shows now before what pods said, and asks nobody that ends", () => {
  let peers = [peer(0, "here"), peer(1, "new"), peer(2, "ending", true)];
  const book = new AddressBook({ name: "w-0", address: "here:8090" }, () => peers);
  book.hear({ name: "w-1", address: "old:8090" });
  expect(book.addressesOf("w-1")).toEqual(["new:8090", "old:8090"]);
  expect([...book.contacts()].sort()).toEqual(["new:8090", "old:8090"]);
  // Names that are absent from an answer, a truncated one for instance, are still known.
  peers = [];
  expect(book.addressesOf("w-1")).toEqual(["old:8090"]);
  expect(book.contacts()).toEqual(["old:8090"]);
});

it("believes a pod about itself rather than others about it, and remembers no more than it may", () => {
  const book = new AddressBook({ name: "w-0", address: "here:8090" }, () => []);
  book.hear({ name: "w-1", address: "own:8090" });
  book.hearsay({ name: "w-1", address: "rumour:8090" });
  book.hear({ name: "w-0", address: "elsewhere:8090" });
  expect(book.contacts()).toEqual(["own:8090"]);
  for (let n = 0; n < 1000; n++) book.hear({ name: `x-${n}`, address: `x-${n}:8090` });
  expect(book.contacts()).toHaveLength(256);
  expect(book.addressesOf("w-1")).toEqual([]);
});
