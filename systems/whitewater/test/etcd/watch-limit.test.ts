/** Watches are bounded for all clients of a member together: one that opens many streams gets no further than one that opens many watches. */
import { once } from "node:events";
import { expect, it } from "vitest";
import { RawClient, startServer } from "./testing.ts";

interface Told {
  readonly watchId: string;
  readonly canceled: boolean;
  readonly cancelReason: string;
}

it("a watch beyond the member's limit is refused, on whatever stream, until another ends", async () => {
  const server = await startServer({ maxWatches: 3 });
  const clients = [new RawClient(server.port), new RawClient(server.port)];
  const [one, other] = clients.map((client) => client.stream("Watch/Watch"));
  const ask = async (stream: typeof one, request: object): Promise<Told> => {
    const told = once(stream!, "data");
    stream!.write(request);
    return (await told)[0];
  };
  const create = (stream: typeof one): Promise<Told> => ask(stream, { createRequest: { key: Buffer.from("a") } });
  for (const stream of [one, other, one]) expect((await create(stream)).canceled).toBe(false);
  for (const stream of [one, other])
    expect(await create(stream)).toMatchObject({
      watchId: "-1",
      canceled: true,
      cancelReason: "etcdserver: too many requests",
    });
  await ask(one, { cancelRequest: { watchId: "1" } });
  expect((await create(other)).canceled).toBe(false);
  expect(server.kv.status().watchers).toBe(3);
  for (const stream of [one, other]) stream!.cancel();
  for (const client of clients) client.close();
  await server.stop();
});
