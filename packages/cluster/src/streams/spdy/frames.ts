/** The frames of SPDY/3.1 (https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/), to bytes and back. Pure. */
import { StreamError } from "../errors.ts";

export type Frame =
  /** `headers` are compressed: see HeaderCodec. */
  | { readonly type: "synStream"; readonly streamId: number; readonly fin: boolean; readonly headers: Buffer }
  | { readonly type: "synReply"; readonly streamId: number; readonly fin: boolean; readonly headers: Buffer }
  | { readonly type: "headers"; readonly streamId: number; readonly fin: boolean; readonly headers: Buffer }
  | { readonly type: "rstStream"; readonly streamId: number; readonly status: number }
  | { readonly type: "settings"; readonly initialWindowBytes?: number }
  | { readonly type: "ping"; readonly id: number }
  | { readonly type: "goAway"; readonly lastStreamId: number; readonly status: number }
  | { readonly type: "windowUpdate"; readonly streamId: number; readonly deltaBytes: number }
  /** A part of a DATA frame, as it came in; `fin` on the last part only. */
  | { readonly type: "data"; readonly streamId: number; readonly fin: boolean; readonly data: Buffer }
  /** Control frames of types unknown here are skipped, as the specification asks. */
  | { readonly type: "unknown"; readonly code: number };

export const rstStatus = {
  protocolError: 1,
  invalidStream: 2,
  refusedStream: 3,
  cancel: 5,
  flowControlError: 7,
} as const;

const version = 3;
export const frameHeaderBytes = 8;
const finFlag = 1;
/** SETTINGS_INITIAL_WINDOW_SIZE. */
const initialWindowSetting = 7;
const code = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

const streamIdAt = (payload: Buffer, offset: number): number => payload.readUInt32BE(offset) & 0x7fffffff;

interface Decoder {
  readonly minBytes: number;
  decode(payload: Buffer, flags: number): Frame;
}

const withHeaders = (type: "synReply" | "headers"): Decoder => ({
  minBytes: 4,
  decode: (payload, flags) => ({
    type,
    streamId: streamIdAt(payload, 0),
    fin: (flags & finFlag) !== 0,
    headers: payload.subarray(4),
  }),
});

const decoders: Readonly<Record<number, Decoder>> = {
  [code.synStream]: {
    minBytes: 10,
    decode: (payload, flags) => ({
      type: "synStream",
      streamId: streamIdAt(payload, 0),
      fin: (flags & finFlag) !== 0,
      headers: payload.subarray(10),
    }),
  },
  [code.synReply]: withHeaders("synReply"),
  [code.headers]: withHeaders("headers"),
  [code.rstStream]: {
    minBytes: 8,
    decode: (payload) => ({ type: "rstStream", streamId: streamIdAt(payload, 0), status: payload.readUInt32BE(4) }),
  },
  [code.settings]: { minBytes: 4, decode: decodeSettings },
  [code.ping]: { minBytes: 4, decode: (payload) => ({ type: "ping", id: payload.readUInt32BE(0) }) },
  [code.goAway]: {
    minBytes: 8,
    decode: (payload) => ({ type: "goAway", lastStreamId: streamIdAt(payload, 0), status: payload.readUInt32BE(4) }),
  },
  [code.windowUpdate]: {
    minBytes: 8,
    decode: (payload) => ({
      type: "windowUpdate",
      streamId: streamIdAt(payload, 0),
      deltaBytes: streamIdAt(payload, 4),
    }),
  },
};

/** @throws StreamError Protocol */
export function decodeControl(frameType: number, flags: number, payload: Buffer): Frame {
  const decoder = decoders[frameType];
  if (!decoder) return { type: "unknown", code: frameType };
  if (payload.length < decoder.minBytes)
    throw new StreamError("Protocol", `SPDY control frame ${frameType} of ${payload.length} bytes is too short`);
  return decoder.decode(payload, flags);
}

function decodeSettings(payload: Buffer): Frame {
  const count = payload.readUInt32BE(0);
  if (payload.length < 4 + count * 8) throw new StreamError("Protocol", "SPDY SETTINGS frame is shorter than it says");
  for (let entry = 0; entry < count; entry++) {
    const offset = 4 + entry * 8;
    if (payload.readUIntBE(offset + 1, 3) === initialWindowSetting)
      return { type: "settings", initialWindowBytes: streamIdAt(payload, offset + 4) };
  }
  return { type: "settings" };
}

export function checkVersion(word: number): void {
  if ((word & 0x7fff) !== version)
    throw new StreamError("Protocol", `SPDY version ${word & 0x7fff} is not spoken here; expected ${version}`);
}

/** A frame as bytes; `data` must be shorter than 16 MiB. */
export function encodeFrame(frame: Exclude<Frame, { type: "unknown" }>): Buffer {
  switch (frame.type) {
    case "data":
      return Buffer.concat([words(frame.streamId, ((frame.fin ? finFlag : 0) << 24) | frame.data.length), frame.data]);
    case "synStream":
      return control(code.synStream, frame.fin, words(frame.streamId, 0), Buffer.alloc(2), frame.headers);
    case "synReply":
    case "headers":
      return control(code[frame.type], frame.fin, words(frame.streamId), frame.headers);
    case "rstStream":
    case "goAway":
      return control(
        code[frame.type],
        false,
        words(frame.type === "goAway" ? frame.lastStreamId : frame.streamId, frame.status),
      );
    case "settings": {
      const size = frame.initialWindowBytes;
      return control(code.settings, false, size === undefined ? words(0) : words(1, initialWindowSetting, size));
    }
    case "ping":
      return control(code.ping, false, words(frame.id));
    case "windowUpdate":
      return control(code.windowUpdate, false, words(frame.streamId, frame.deltaBytes));
  }
}

function control(type: number, fin: boolean, ...parts: Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([words((0x8000 | version) * 0x10000 + type, ((fin ? finFlag : 0) << 24) | length), ...parts]);
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => {
    bytes.writeUInt32BE(value >>> 0, index * 4);
  });
  return bytes;
}
