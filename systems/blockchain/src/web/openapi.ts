/** The API's description for programs and, at `/swagger-ui`, for people; made from the same rows that serve it. */
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";

export async function installOpenApi(server: FastifyInstance, version: string): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: "3.0.3",
      info: {
        title: "Blockchain node",
        version,
        description:
          "Amounts are satoshis, times seconds since 1970. Reading is open; what spends or mines needs a key.",
      },
      components: { securitySchemes: { key: { type: "apiKey", in: "header", name: "X-API-Key" } } },
    },
    // What serves the description itself, and HEAD, would only be noise in it.
    transform: ({ schema, url, route }) => ({
      schema: { ...schema, ...((route.method === "HEAD" || !/^\/(api|health)/.test(url)) && { hide: true }) },
      url,
    }),
  });
  server.get("/api-docs/openapi.json", { schema: { hide: true } }, async () => server.swagger());
  await server.register(swaggerUi, {
    routePrefix: "/swagger-ui",
    theme: { title: "Blockchain node" },
    // Its own scripts and styles only, but it writes styles into elements.
    staticCSP:
      "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'",
  });
}
