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
import { inTurns } from "../../store/steps.ts";
import type { EtcdContext } from "../context.ts";
import { type Method, unary } from "../grpc.ts";
import { encodeParts, sizeOfKeyValue } from "../parts.ts";

export const kvMethods = ({ kv, header }: EtcdContext): readonly (readonly [string, Method])[] => [
  [
    "/etcdserverpb.KV/Range",
    {
      async run(body) {
        const { kvs, more, count, header: at } = await kv.range(rangeRequest.decode(body), undefined, body);
        const head = { header: header(at.revision), more, count };
        return inTurns(encodeParts(rangeResponse, head, "kvs", kvs, sizeOfKeyValue));
      },
    },
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
    {
      async run(body) {
        const request = deleteRangeRequest.decode(body);
        const { deleted, prevKvs, header: at } = await kv.deleteRange(request, undefined, body);
        const head = { header: header(at.revision), deleted };
        return inTurns(encodeParts(deleteRangeResponse, head, "prevKvs", prevKvs, sizeOfKeyValue));
      },
    },
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
