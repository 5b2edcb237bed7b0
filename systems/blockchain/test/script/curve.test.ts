/** Both libraries say the same, and what an implementation apart from them says. */
import { createHash, randomBytes } from "node:crypto";
import { schnorr, secp256k1 } from "@noble/curves/secp256k1.js";
import { describe, expect, test } from "vitest";
import { type Curve, curveLibrary } from "../../src/script/curve.ts";
import { nativeCurve } from "../../src/script/curve-native.ts";
import { wasmCurve } from "../../src/script/curve-wasm.ts";

const curves: readonly (readonly [string, Curve])[] = [
  ["wasm", wasmCurve],
  ...(nativeCurve === undefined ? [] : [["native", nativeCurve] as const]),
];
if (nativeCurve === undefined)
  console.warn("SKIPPED: secp256k1 has no binary for this platform; only WebAssembly is tested.");

const rounds = 25;
const order = BigInt("0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
const bytesOf = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, "0"), "hex");
const keyOf = (round: number): Buffer => createHash("sha256").update(`key ${round}`).digest();

/** With one bit changed. */
function altered(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const at = randomBytes(1)[0] as number;
  copy[at % copy.length] = (copy[at % copy.length] as number) ^ (1 << (at % 8));
  return copy;
}

/** Some of BIP 340's own: two that are valid, and six of the ways not to be. */
const published = [
  [
    "F9308A019258C31049344F85F89D5229B531C845836F99B08601F113BCE036F9",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "E907831F80848D1069A5371B402410364BDF1C5F8307B0084C55F1CE2DCA821525F66A4A85EA8B71E482A74F382D2CE5EBEEE8FDB2172F477DF4900D310536C0",
    true,
  ],
  [
    "D69C3509BB99E412E68B0FE8544E72837DFA30746D8BE2AA65975F29D22DC7B9",
    "4DF3C3F68FCC83B27E9D42C90431A72499F17875C81A599B566C9889B9696703",
    "00000000000000000000003B78CE563F89A0ED9414F5AA28AD0D96D6795F9C6376AFB1548AF603B3EB45C9F8207DEE1060CB71C04E80F593060B07D28308D7F4",
    true,
  ],
  [
    "EEFDEA4CDB677750A420FEE807EACF21EB9898AE79B9768766E4FAA04A2D4A34",
    "243F6A8885A308D313198A2E03707344A4093822299F31D0082EFA98EC4E6C89",
    "6CFF5C3BA86C69EA4B7376F31A9BCB4F74C1976089B2D9963DA2E5543E17776969E89B4C5564D00349106B8497785DD7D1D713A8AE82B32FA79D5F7FC407D39B",
    false,
  ],
  [
    "DFF1D77F2A671C5F36183726DB2341BE58FEAE1DA2DECED843240F7B502BA659",
    "243F6A8885A308D313198A2E03707344A4093822299F31D0082EFA98EC4E6C89",
    "FFF97BD5755EEEA420453A14355235D382F6472F8568A18B2F057A14602975563CC27944640AC607CD107AE10923D9EF7A73C643E166BE5EBEAFA34B1AC553E2",
    false,
  ],
  [
    "DFF1D77F2A671C5F36183726DB2341BE58FEAE1DA2DECED843240F7B502BA659",
    "243F6A8885A308D313198A2E03707344A4093822299F31D0082EFA98EC4E6C89",
    "0000000000000000000000000000000000000000000000000000000000000000123DDA8328AF9C23A94C1FEECFD123BA4FB73476F0D594DCB65C6425BD186051",
    false,
  ],
  [
    "DFF1D77F2A671C5F36183726DB2341BE58FEAE1DA2DECED843240F7B502BA659",
    "243F6A8885A308D313198A2E03707344A4093822299F31D0082EFA98EC4E6C89",
    "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F69E89B4C5564D00349106B8497785DD7D1D713A8AE82B32FA79D5F7FC407D39B",
    false,
  ],
  [
    "DFF1D77F2A671C5F36183726DB2341BE58FEAE1DA2DECED843240F7B502BA659",
    "243F6A8885A308D313198A2E03707344A4093822299F31D0082EFA98EC4E6C89",
    "6CFF5C3BA86C69EA4B7376F31A9BCB4F74C1976089B2D9963DA2E5543E177769FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141",
    false,
  ],
  [
    "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC30",
    "243F6A8885A308D313198A2E03707344A4093822299F31D0082EFA98EC4E6C89",
    "6CFF5C3BA86C69EA4B7376F31A9BCB4F74C1976089B2D9963DA2E5543E17776969E89B4C5564D00349106B8497785DD7D1D713A8AE82B32FA79D5F7FC407D39B",
    false,
  ],
] as const;

describe.each(curves)("%s", (_, curve) => {
  test("verifies ECDSA with low and high S, and nothing altered", () => {
    for (let round = 0; round < rounds; round++) {
      const secret = keyOf(round);
      const hash = randomBytes(32);
      const compact = Buffer.from(secp256k1.sign(hash, secret, { prehash: false }));
      const keys = [true, false].map((short) => Buffer.from(secp256k1.getPublicKey(secret, short)));
      const high = Buffer.concat([
        compact.subarray(0, 32),
        bytesOf(order - BigInt(`0x${compact.toString("hex", 32)}`)),
      ]);
      for (const key of keys) {
        expect(curve.verifyEcdsa(hash, key, Buffer.from(compact))).toBe(true);
        expect(curve.verifyEcdsa(hash, key, Buffer.from(high))).toBe(true);
        expect(curve.verifyEcdsa(altered(hash), key, Buffer.from(compact))).toBe(false);
        const another = Buffer.concat([key.subarray(0, 1), altered(key.subarray(1))]);
        expect(curve.verifyEcdsa(hash, another, Buffer.from(compact))).toBe(false);
        expect(curve.verifyEcdsa(hash, key, altered(compact))).toBe(false);
      }
    }
  });

  test("takes hybrid keys of the right parity, and no other bytes", () => {
    const secret = keyOf(1);
    const hash = randomBytes(32);
    const compact = Buffer.from(secp256k1.sign(hash, secret, { prehash: false }));
    const long = Buffer.from(secp256k1.getPublicKey(secret, false));
    const verify = (first: number): boolean =>
      curve.verifyEcdsa(hash, Buffer.concat([Buffer.from([first]), long.subarray(1)]), Buffer.from(compact));
    const odd = (long[64] as number) & 1;
    expect([4, 6 + odd, 7 - odd, 5].map(verify)).toEqual([true, true, false, false]);
    for (const size of [0, 1, 32, 34, 64, 66]) {
      expect(curve.verifyEcdsa(hash, Buffer.alloc(size, 2), Buffer.from(compact))).toBe(false);
    }
    expect(curve.verifyEcdsa(hash, long, Buffer.alloc(64))).toBe(false);
  });

  test("verifies BIP 340, and nothing altered", () => {
    for (let round = 0; round < rounds; round++) {
      const secret = keyOf(round);
      const key = Buffer.from(schnorr.getPublicKey(secret));
      const hash = randomBytes(32);
      const sig = Buffer.from(schnorr.sign(hash, secret));
      expect(curve.verifySchnorr(hash, key, sig)).toBe(true);
      expect(curve.verifySchnorr(altered(hash), key, sig)).toBe(false);
      expect(curve.verifySchnorr(hash, altered(key), sig)).toBe(false);
      expect(curve.verifySchnorr(hash, key, altered(sig))).toBe(false);
      // The same point with the other y, and the scalars that go with the other key.
      const negated = Buffer.concat([sig.subarray(0, 32), bytesOf(order - BigInt(`0x${sig.toString("hex", 32)}`))]);
      expect(curve.verifySchnorr(hash, key, negated)).toBe(false);
    }
  });

  test.each(published)("verifies what BIP 340 publishes (%#)", (key, message, sig, expected) => {
    expect(curve.verifySchnorr(Buffer.from(message, "hex"), Buffer.from(key, "hex"), Buffer.from(sig, "hex"))).toBe(
      expected,
    );
  });

  test("refuses numbers beyond the field and the order, and zeros", () => {
    const hash = randomBytes(32);
    const key = Buffer.from(schnorr.getPublicKey(keyOf(1)));
    const sig = Buffer.from(schnorr.sign(hash, keyOf(1)));
    const rest = [Buffer.alloc(32), Buffer.alloc(32, 255), bytesOf(order)];
    for (const bad of rest) {
      expect(curve.verifySchnorr(hash, bad, sig)).toBe(false);
      expect(curve.verifySchnorr(hash, key, Buffer.concat([sig.subarray(0, 32), bad]))).toBe(false);
      expect(curve.verifySchnorr(hash, key, Buffer.concat([bad, sig.subarray(32)]))).toBe(false);
    }
  });

  test("tells a tweaked key from others", () => {
    for (let round = 0; round < rounds; round++) {
      const internal = Buffer.from(schnorr.getPublicKey(keyOf(round)));
      const tweak = keyOf(round + 1000);
      const even = secp256k1.Point.fromHex(`02${internal.toString("hex")}`);
      const sum = Buffer.from(
        even.add(secp256k1.Point.BASE.multiply(BigInt(`0x${tweak.toString("hex")}`))).toBytes(true),
      );
      const parity = (sum[0] as number) - 2;
      const outputKey = sum.subarray(1);
      expect(curve.isTweakedKey(outputKey, parity, internal, tweak)).toBe(true);
      expect(curve.isTweakedKey(outputKey, 1 - parity, internal, tweak)).toBe(false);
      expect(curve.isTweakedKey(outputKey, parity, internal, altered(tweak))).toBe(false);
      expect(curve.isTweakedKey(altered(outputKey), parity, internal, tweak)).toBe(false);
    }
    const internal = Buffer.from(schnorr.getPublicKey(keyOf(1)));
    expect(curve.isTweakedKey(internal, 0, Buffer.alloc(32, 255), keyOf(2))).toBe(false);
    expect(curve.isTweakedKey(internal, 0, internal, bytesOf(order))).toBe(false);
  });
});

test("the native library is preferred", () => {
  expect(curveLibrary).toBe(nativeCurve === undefined ? "wasm" : "native");
});
