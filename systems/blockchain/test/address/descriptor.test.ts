import { expect, it } from "vitest";
import { descriptorChecksum } from "../../src/address/descriptor.ts";

/** BIP 380, and the example of Bitcoin Core's page on descriptors. */
it.each([
  ["raw(deadbeef)", "89f8spxm"],
  [
    "wpkh([d34db33f/84h/0h/0h]xpub6DJ2dNUysrn5Vt36jH2KLBT2i1auw1tTSSomg8PhqNiUtx8QX2SvC9nrHu81fT41fvDUnhMjEzQgXnQjKEu3oaqMSzhSrHMxyyoEAmUHQbY/0/*)",
    "cjjspncu",
  ],
])("%s has the checksum %s", (descriptor, checksum) => {
  expect(descriptorChecksum(descriptor)).toBe(checksum);
});
