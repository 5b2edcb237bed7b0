/** etcdserverpb.KV */
import {
  compactionRequest,
  compactionResponse,
  deleteRangeRequest,
  deleteRangeResponse,
  putRequest,
  putResponse,
  rangeRequest,
  rangeResponse,
  txnRequest,
  txnResponse,
} from "../../proto/kv.ts";
import type { EtcdContext } from "../context.ts";
import { type Method, unary } from "../grpc.ts";

export const kvMethods = ({ kv, header }: EtcdContext): readonly (readonly [string, Method])[] => [
  [
    "/etcdserverpb.KV/Range",
    unary(rangeRequest, rangeResponse, async (request, encoded) => {
      const { kvs, more, count, header: at } = await kv.range(request, undefined, encoded);
      return { header: header(at.revision), kvs, more, count };
    }),
  ],
  [
    "/etcdserverpb.KV/Put",
    unary(putRequest, putResponse, async (request, encoded) => {
      const { prevKv, header: at } = await kv.put(request, undefined, encoded);
      return { header: header(at.revision), prevKv };
    }),
  ],
  [
    "/etcdserverpb.KV/DeleteRange",
    unary(deleteRangeRequest, deleteRangeResponse, async (request, encoded) => {
      const { deleted, prevKvs, header: at } = await kv.deleteRange(request, undefined, encoded);
      return { header: header(at.revision), deleted, prevKvs };
    }),
  ],
  [
    "/etcdserverpb.KV/Txn",
    unary(txnRequest, txnResponse, async (request, encoded) => {
      const { succeeded, responses, header: at } = await kv.txn(request, undefined, encoded);
      return { header: header(at.revision), succeeded, responses };
    }),
  ],
  [
    "/etcdserverpb.KV/Compact",
    unary(compactionRequest, compactionResponse, async ({ revision }) => {
      const at = await kv.compact(revision);
      return { header: header(at.revision) };
    }),
  ],
];
