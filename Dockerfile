# Nexus Functions: the server and its command, and a stage to build functions in.
#   docker build -t nexus-functions .
#   docker build -t nexus-toolchains --target functions .
# How to run it: docs/docker.md.
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim

# The manifests alone: what is installed after them stays in the cache for as long as they are the same.
FROM ${NODE_IMAGE} AS manifests
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
COPY packages/client/package.json packages/client/
COPY packages/server/package.json packages/server/
COPY packages/cli/package.json packages/cli/

# The one install script of the project brings a Node along, which this image has already.
FROM manifests AS dependencies
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM manifests AS build
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.base.json ./
COPY packages packages
RUN node_modules/.bin/tsc -b packages/client packages/server packages/cli \
  && for name in client server cli; do \
       install -d "out/packages/$name" && cp -r "packages/$name/package.json" "packages/$name/dist" "out/packages/$name/"; \
     done \
  && find out -name '.tsbuildinfo' -delete \
  && cp -r packages/cli/bin packages/cli/templates out/packages/cli/ \
  && chmod 755 out/packages/cli/bin/nexus.js

# Compilers for functions in C and Rust (wasm32-wasi); one in TypeScript brings its own with `npm install`.
FROM ${NODE_IMAGE} AS functions
RUN apt-get update \
  && apt-get install -y --no-install-recommends \
    clang lld wasi-libc libclang-rt-14-dev-wasm32 make \
    rustc cargo libstd-rust-dev-wasm32 librust-serde-json-dev librust-serde-derive-dev \
  && rm -rf /var/lib/apt/lists/*
# By full path, so that a Rust from elsewhere, which may lack the target, is never taken.
ENV RUSTC=/usr/bin/rustc CARGO=/usr/bin/cargo
WORKDIR /functions

FROM ${NODE_IMAGE} AS runtime
# User 1000 of Node's image gets the name that manifests speak of; package managers have no work here.
RUN groupmod --new-name nexus node \
  && usermod --login nexus --home /app --shell /usr/sbin/nologin node \
  && rm -rf /home/node /usr/local/lib/node_modules /opt/yarn-* \
    /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn /usr/local/bin/yarnpkg \
  && install -d -o nexus -g nexus /app /app/data /app/functions \
  && ln -s /opt/nexus/packages/cli/bin/nexus.js /usr/local/bin/nexus
COPY --from=dependencies /build/node_modules /opt/nexus/node_modules
COPY --from=build /build/out /opt/nexus
COPY LICENSE /opt/nexus/

# nexus.yaml is looked for in the working directory. All of this may be set anew when a container starts.
WORKDIR /app
ENV NODE_ENV=production NEXUS_HOST=0.0.0.0 NEXUS_PORT=8080 NEXUS_DATA_DIR=/app/data
USER 1000:1000
VOLUME /app/data
# 8080 is the server. 4222 and 8222 are NATS' own, for pods and networks where NATS stands beside it: nothing in this
# image listens there.
EXPOSE 8080 4222 8222
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.NEXUS_PORT}/health`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# As process 1 it hears SIGTERM itself; it starts no other process, so there is none to reap.
ENTRYPOINT ["node", "/opt/nexus/packages/cli/bin/nexus.js"]
CMD ["start"]

# Last, because they change with every build.
ARG VERSION=0.0.0-unknown
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="Nexus Functions" \
  org.opencontainers.image.description="Self-hosted, event-driven WebAssembly functions with replay" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${COMMIT}"
