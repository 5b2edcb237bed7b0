/** The checksum that output descriptors end with (BIP 380). */

const CHARACTERS = "0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#\"\\ ";
const CHECKSUM_CHARACTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATORS = [0xf5dee51989n, 0xa9fdca3312n, 0x1bab10e32dn, 0x3706b1677an, 0x644d626ffdn];

function step(sum: bigint, value: bigint): bigint {
  const top = sum >> 35n;
  const shifted = ((sum & 0x7ffffffffn) << 5n) ^ value;
  return GENERATORS.reduce((next, generator, bit) => ((top >> BigInt(bit)) & 1n ? next ^ generator : next), shifted);
}

/** Each character counts by its place in a group of 32, and three of them by their groups. */
function symbolsOf(text: string): number[] {
  const places = [...text].map((character) => CHARACTERS.indexOf(character));
  const symbols: number[] = [];
  for (let at = 0; at < places.length; at += 3) {
    const three = places.slice(at, at + 3);
    symbols.push(
      ...three.map((place) => place & 31),
      three.reduce((group, place) => group * 3 + (place >> 5), 0),
    );
  }
  return symbols;
}

/** Eight characters, for a descriptor without its own. It has characters of BIP 380 only. */
export function descriptorChecksum(descriptor: string): string {
  const symbols = [...symbolsOf(descriptor), 0, 0, 0, 0, 0, 0, 0, 0];
  const sum = symbols.reduce((at, symbol) => step(at, BigInt(symbol)), 1n) ^ 1n;
  return Array.from({ length: 8 }, (_, i) => CHECKSUM_CHARACTERS[Number((sum >> BigInt(5 * (7 - i))) & 31n)]).join("");
}
