/** etcd's messages for keys: mvccpb and the KV service. Field numbers are those of the documented v3 API. */
import { bool, bytes, id, int, key, many, one, uid } from "./fields.ts";
import { type Message, message } from "./message.ts";

export const sortOrders = ["none", "ascend", "descend"] as const;
export const sortTargets = ["key", "version", "create", "mod", "value"] as const;
export const compareResults = ["equal", "greater", "less", "not-equal"] as const;
export const compareTargets = ["version", "create", "mod", "value", "lease"] as const;

/** One revision of one key. */
export interface KeyValue {
  /** One character per byte. */
  readonly key: string;
  readonly createRevision: number;
  readonly modRevision: number;
  /** 1 when created, one more with each change; 0 in the event of a deletion. */
  readonly version: number;
  readonly value: Uint8Array;
  /** 0n: none. */
  readonly lease: bigint;
}

export interface Header {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  readonly revision: number;
  readonly raftTerm: number;
}

export interface RangeRequest {
  readonly key: string;
  readonly rangeEnd: string;
  readonly limit: number;
  readonly revision: number;
  readonly sortOrder: number;
  readonly sortTarget: number;
  readonly serializable: boolean;
  readonly keysOnly: boolean;
  readonly countOnly: boolean;
  readonly minModRevision: number;
  readonly maxModRevision: number;
  readonly minCreateRevision: number;
  readonly maxCreateRevision: number;
}

export interface PutRequest {
  readonly key: string;
  readonly value: Uint8Array;
  readonly lease: bigint;
  readonly prevKv: boolean;
  readonly ignoreValue: boolean;
  readonly ignoreLease: boolean;
}

export interface DeleteRangeRequest {
  readonly key: string;
  readonly rangeEnd: string;
  readonly prevKv: boolean;
}

export interface Compare {
  readonly result: number;
  readonly target: number;
  readonly key: string;
  readonly version: number;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly value: Uint8Array;
  readonly lease: bigint;
  readonly rangeEnd: string;
}

/** At most one of them is there. */
export interface RequestOp {
  readonly requestRange: RangeRequest | undefined;
  readonly requestPut: PutRequest | undefined;
  readonly requestDeleteRange: DeleteRangeRequest | undefined;
  readonly requestTxn: TxnRequest | undefined;
}

export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}

export interface RangeResponse {
  readonly header: Header | undefined;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
  readonly count: number;
}

export interface PutResponse {
  readonly header: Header | undefined;
  readonly prevKv: KeyValue | undefined;
}

export interface DeleteRangeResponse {
  readonly header: Header | undefined;
  readonly deleted: number;
  readonly prevKvs: readonly KeyValue[];
}

export interface ResponseOp {
  readonly responseRange: RangeResponse | undefined;
  readonly responsePut: PutResponse | undefined;
  readonly responseDeleteRange: DeleteRangeResponse | undefined;
  readonly responseTxn: TxnResponse | undefined;
}

export interface TxnResponse {
  readonly header: Header | undefined;
  readonly succeeded: boolean;
  readonly responses: readonly ResponseOp[];
}

export const keyValue: Message<KeyValue> = message("mvccpb.KeyValue", {
  key: key(1),
  createRevision: int(2),
  modRevision: int(3),
  version: int(4),
  value: bytes(5),
  lease: id(6),
});

export const header: Message<Header> = message("etcdserverpb.ResponseHeader", {
  clusterId: uid(1),
  memberId: uid(2),
  revision: int(3),
  raftTerm: int(4),
});

export const rangeRequest: Message<RangeRequest> = message("etcdserverpb.RangeRequest", {
  key: key(1),
  rangeEnd: key(2),
  limit: int(3),
  revision: int(4),
  sortOrder: int(5),
  sortTarget: int(6),
  serializable: bool(7),
  keysOnly: bool(8),
  countOnly: bool(9),
  minModRevision: int(10),
  maxModRevision: int(11),
  minCreateRevision: int(12),
  maxCreateRevision: int(13),
});

export const putRequest: Message<PutRequest> = message("etcdserverpb.PutRequest", {
  key: key(1),
  value: bytes(2),
  lease: id(3),
  prevKv: bool(4),
  ignoreValue: bool(5),
  ignoreLease: bool(6),
});

export const deleteRangeRequest: Message<DeleteRangeRequest> = message("etcdserverpb.DeleteRangeRequest", {
  key: key(1),
  rangeEnd: key(2),
  prevKv: bool(3),
});

export const compare: Message<Compare> = message("etcdserverpb.Compare", {
  result: int(1),
  target: int(2),
  key: key(3),
  version: int(4),
  createRevision: int(5),
  modRevision: int(6),
  value: bytes(7),
  lease: id(8),
  rangeEnd: key(64),
});

export const requestOp: Message<RequestOp> = message("etcdserverpb.RequestOp", {
  requestRange: one(1, () => rangeRequest),
  requestPut: one(2, () => putRequest),
  requestDeleteRange: one(3, () => deleteRangeRequest),
  requestTxn: one(4, () => txnRequest),
});

export const txnRequest: Message<TxnRequest> = message("etcdserverpb.TxnRequest", {
  compare: many(1, () => compare),
  success: many(2, () => requestOp),
  failure: many(3, () => requestOp),
});

export const rangeResponse: Message<RangeResponse> = message("etcdserverpb.RangeResponse", {
  header: one(1, () => header),
  kvs: many(2, () => keyValue),
  more: bool(3),
  count: int(4),
});

export const putResponse: Message<PutResponse> = message("etcdserverpb.PutResponse", {
  header: one(1, () => header),
  prevKv: one(2, () => keyValue),
});

export const deleteRangeResponse: Message<DeleteRangeResponse> = message("etcdserverpb.DeleteRangeResponse", {
  header: one(1, () => header),
  deleted: int(2),
  prevKvs: many(3, () => keyValue),
});

export const responseOp: Message<ResponseOp> = message("etcdserverpb.ResponseOp", {
  responseRange: one(1, () => rangeResponse),
  responsePut: one(2, () => putResponse),
  responseDeleteRange: one(3, () => deleteRangeResponse),
  responseTxn: one(4, () => txnResponse),
});

export const txnResponse: Message<TxnResponse> = message("etcdserverpb.TxnResponse", {
  header: one(1, () => header),
  succeeded: bool(2),
  responses: many(3, () => responseOp),
});

export const compactionRequest = message("etcdserverpb.CompactionRequest", { revision: int(1), physical: bool(2) });
export const compactionResponse = message("etcdserverpb.CompactionResponse", { header: one(1, () => header) });
