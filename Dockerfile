# Nexus Functions: the server and its command, and a stage to build functions in.
#   docker build -t nexus-functions .
#   docker build -t nexus-toolchains --target functions .
# How to run it: docs/docker.md.
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim

# What is not run on the target is done on the machine that builds: an image for arm64 needs emulation for the few
# commands of the stage "root" alone.
# The manifests alone: what is installed after them stays in the cache for as long as they are the same.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS manifests
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
COPY packages/client/package.json packages/client/
COPY packages/server/package.json packages/server/
COPY packages/cli/package.json packages/cli/

# The one install script of the project brings a Node along, which this image has already.
FROM manifests AS dependencies
ARG TARGETARCH
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
    --os=linux --libc=glibc \
    --cpu="$(node -p 'process.env.TARGETARCH?.replace("amd64", "x64") || process.arch')"
COPY scripts/ship.ts scripts/
COPY scripts/ship scripts/ship
RUN node scripts/ship.ts prune node_modules

FROM manifests AS build
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.base.json LICENSE ./
COPY packages packages
COPY scripts/ship.ts scripts/
COPY scripts/ship scripts/ship
RUN node_modules/.bin/tsc -b packages/client packages/server packages/cli \
  && node scripts/ship.ts packages out

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

# Debian with what Node and a shell need, and no more: what is not there has no holes to close. dpkg's list stays true,
# for scanners.
FROM ${NODE_IMAGE} AS root
ARG KEEP="base-files base-passwd bash coreutils dash debianutils dpkg findutils gcc-12-base grep gzip \
  libacl1 libattr1 libbz2-1.0 libc-bin libc6 libgcc-s1 libgmp10 liblz4-1 liblzma5 libmd0 libpcre2-8-0 libselinux1 \
  libstdc++6 libtinfo6 libzstd1 ncurses-base sed tar zlib1g"
# What scripts of other packages need goes last.
ARG KEEP_LONGER="debconf diffutils init-system-helpers libcrypt1 perl-base"
# User 1000 of Node's image gets the name that manifests speak of.
RUN export DEBIAN_FRONTEND=noninteractive \
  && groupmod --new-name nexus node \
  && usermod --login nexus --home /app --shell /usr/sbin/nologin node \
  && remove() { dpkg-query -W -f='${Package}\n' | grep -vxF "$(printf '%s\n' $@)" \
    | xargs --no-run-if-empty dpkg --purge --force-depends --force-remove-essential --force-remove-protected; } \
  && remove $KEEP $KEEP_LONGER && remove $KEEP \
  && rm -rf /home/node /opt/yarn-* /usr/local/bin/[!n]* /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/nodejs \
    /usr/local/include /usr/local/lib/* /usr/local/share/* /usr/local/*.md /usr/local/LICENSE \
    /usr/share/doc /usr/share/man /usr/share/locale /usr/share/info /usr/share/lintian /usr/share/bash-completion \
    /var/lib/apt /var/cache/* /var/log/* /tmp/* \
  && install -d -o nexus -g nexus /app /app/data /app/functions \
  && ln -s /opt/nexus/packages/cli/bin/nexus.js /usr/local/bin/nexus

# From nothing: what was taken away above is in no layer.
FROM scratch AS runtime
COPY --from=root / /
COPY --from=dependencies /build/node_modules /opt/nexus/node_modules
COPY --from=build /build/out /opt/nexus

# nexus.yaml is looked for in the working directory. All of this may be set anew when a container starts.
WORKDIR /app
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
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
