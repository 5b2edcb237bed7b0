/**
 * How a chain is drilled (`coracle drill blockchain`): payments go on while faults come, then the nodes must agree.
 *
 * A chain does not promise that every write is there at once. It promises that nodes come to one chain, that what all agreed on before a
 * fault stays, that each node's coins and wallet are what a replay of that chain gives, and that no payment is lost.
 */
import type { ScenarioPlugin } from "@coracle/drill";
import { deleteOne, killAll, killOne, wipe } from "./drill/deletions.ts";
import { apiAway, clock, crash } from "./drill/injected.ts";
import { partition } from "./drill/partition.ts";
import { redisAway } from "./drill/redis.ts";
import { restart, scale } from "./drill/rollouts.ts";
import { scenario } from "./drill/scenario.ts";

export const drill: ScenarioPlugin = {
  usual: ["kill", "partition", "outage", "wipe"],
  scenarios: {
    kill: scenario("one node killed", killOne),
    delete: scenario("one node deleted within its grace", deleteOne),
    crash: scenario("one node's process killed: it starts again under the same name (embedded cluster only)", crash),
    partition: scenario("half of the nodes cut off from the others, then healed", partition),
    outage: scenario("all nodes killed at once", killAll),
    wipe: scenario("one node's chain wiped: it fetches all from the others", wipe),
    restart: scenario("every node restarted, one after the other", restart),
    scale: scenario("one replica more of each set, then as many as before", scale),
    "clock-forward": scenario("one miner's clock an hour ahead (embedded cluster only)", clock("clock-forward")),
    "clock-back": scenario("one miner's clock an hour behind (embedded cluster only)", clock("clock-back")),
    "api-away": scenario("the API answers 503 to everybody (embedded cluster only)", apiAway),
    "redis-away": scenario("Redis gone: webservers count requests for themselves, and say so", redisAway),
  },
};
