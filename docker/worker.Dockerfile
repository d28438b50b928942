# A metalab worker. Built from the root of a clone: docker compose build worker
FROM node:22.21-slim AS build
WORKDIR /opt/metalab
COPY package.json package-lock.json tsconfig.json ./
COPY scripts scripts
COPY src src
COPY bin bin
RUN node scripts/setup.mjs deps build && npm prune --omit=dev --no-audit --no-fund

FROM node:22.21-slim
# For servers with TLS: the SDK's core reads the system's certificates.
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/metalab /opt/metalab
USER node
ENTRYPOINT ["node", "/opt/metalab/bin/metalab.js"]
CMD ["worker"]
