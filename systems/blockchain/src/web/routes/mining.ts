import * as schemas from "../schemas.ts";
import { type Route, route } from "./route.ts";

const both = ["v1", "admin"] as const;
const maxBlocks = 1000;
const maxTries = 1_000_000;

export const miningRoutes: readonly Route[] = [
  route({
    method: "GET",
    at: both,
    access: "open",
    path: "/mining/info",
    tag: "Mining",
    summary: "Difficulty and hash rate",
    answer: schemas.mining,
    handle: ({ backend }) => backend.mining(),
  }),
  route<unknown, unknown, { nblocks: number; address: string; maxtries: number }>({
    method: "POST",
    at: both,
    access: "spend",
    path: "/mining/generatetoaddress",
    tag: "Mining",
    summary: "Mines blocks now, on this node",
    body: schemas.object(
      {
        nblocks: { type: "integer", minimum: 1, maximum: maxBlocks },
        address: { ...schemas.address, minLength: 26 },
        maxtries: { type: "integer", minimum: 1, maximum: maxTries, default: maxTries },
      },
      ["maxtries"],
    ),
    answer: schemas.object({ block_hashes: schemas.list({ type: "string" }), message: { type: "string" } }),
    handle: async ({ backend, body, signal }) => {
      const { nblocks, address, maxtries } = body;
      const hashes = await backend.generate({ blocks: nblocks, address, maxTries: maxtries, signal });
      const rest = hashes.length < nblocks ? `; ${nblocks - hashes.length} not found within ${maxtries} tries` : "";
      return { block_hashes: hashes, message: `${hashes.length} blocks mined${rest}` };
    },
  }),
  ...([true, false] as const).map((on) =>
    route({
      method: "POST",
      at: ["admin"],
      access: "open",
      path: on ? "/mining/start" : "/mining/stop",
      tag: "Mining",
      summary: on
        ? "Mines in the background from now on, until a restart"
        : "Mines in the background no more, until a restart",
      answer: schemas.mining,
      handle: ({ backend }) => backend.setMining(on),
    }),
  ),
  route({
    method: "GET",
    at: ["admin"],
    access: "open",
    path: "/peers",
    tag: "Node",
    summary: "Connected peers",
    answer: schemas.list(schemas.peer),
    handle: ({ backend }) => backend.peers(),
  }),
];
