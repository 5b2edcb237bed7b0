# Builds the image of any system:
#   docker build -t blockchain-node:latest .
#   docker build -t coracle/kvstore:0.1.0 --build-arg SYSTEM=kvstore .

ARG NODE_IMAGE=node:20-bookworm-slim

FROM ${NODE_IMAGE} AS build
ARG SYSTEM=blockchain
WORKDIR /src
COPY package.json package-lock.json tsconfig.json tsconfig.base.json ./
COPY scripts scripts
COPY packages packages
COPY systems systems
RUN test -f "systems/$SYSTEM/package.json" || { echo "There is no system named $SYSTEM" >&2; exit 1; }
RUN node scripts/prepare.mjs --pages
# Of all that only what this system needs to run: packages it uses, compiled, without types and maps.
RUN sh scripts/image-tree.sh "$SYSTEM" /opt/coracle

FROM ${NODE_IMAGE}
ARG SYSTEM=blockchain
# curl: guides use it inside of pods.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 coracle \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /app coracle \
    && mkdir -p /app/data /app/wallets \
    && chown -R 10001:10001 /app
COPY --from=build /opt/coracle /opt/coracle
ENV NODE_ENV=production PATH=/opt/coracle/bin:$PATH
WORKDIR /app
USER 10001:10001
LABEL org.opencontainers.image.title="coracle/${SYSTEM}"
# Node.js gets SIGTERM itself and has a handler: nothing needs to stand between.
ENTRYPOINT ["node", "/opt/coracle/entry.js"]
