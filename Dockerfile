# An image for each program: thoughts-backend, users-backend, gateway, and mythoughts, which is all
# three in one.
#
#     docker build --target gateway --tag mythoughts/gateway:dev .
#
# compose.yaml builds the first three. The programs are linked with everything they need, the C
# library included, so an image holds one program and a page of text: no shell, no package manager,
# nobody called root. What needs a shell elsewhere the programs do themselves: `health-check`, and
# secrets from files (--help).

# Any image with this version of Rust, a C compiler and the static C library of glibc.
ARG RUST_IMAGE=rust:1.95.0-bookworm

FROM ${RUST_IMAGE} AS rust
WORKDIR /src
# The target is named, even though it is this machine's, so that the flags are for the programs alone
# and not for what builds them.
ENV CARGO_TARGET_DIR=/target \
    CARGO_TERM_COLOR=never \
    CARGO_INCREMENTAL=0 \
    CARGO_NET_RETRY=10 \
    RUSTFLAGS="-C target-feature=+crt-static"

# The packages with nothing in them, which change when dependencies do.
FROM rust AS manifests
COPY . .
RUN find . -type f ! -name 'Cargo.*' ! -name '*.rs' -delete \
    && find . -name '*.rs' ! -name lib.rs ! -name main.rs ! -name build.rs ! -path '*/benches/*' -delete \
    && echo 'fn main() {}' >/empty.rs \
    && find . -name '*.rs' -exec cp /empty.rs {} ';'

FROM rust AS build
COPY --from=manifests /src .
# All dependencies, and the empty packages. The programs are asked for together in both builds, so
# that dependencies have the same features in both.
RUN cargo build --locked --release --workspace --bins --target "$(rustc --print host-tuple)"
COPY . .
# The real files may be older than the empty packages, and have to count as newer.
RUN find . -name '*.rs' -exec touch {} + \
    && cargo build --locked --release --workspace --bins --target "$(rustc --print host-tuple)" \
    && mkdir -p /image/etc /image/data /programs \
    && mv /target/*/release/thoughts-backend /target/*/release/users-backend \
        /target/*/release/gateway /target/*/release/mythoughts /programs/ \
    && cp LICENSE /image/ \
    # Names are looked up in /etc/hosts, then by DNS.
    && echo 'hosts: files dns' >/image/etc/nsswitch.conf \
    && echo 'mythoughts:x:65532:65532::/:/none' >/image/etc/passwd \
    && echo 'mythoughts:x:65532:' >/image/etc/group

FROM scratch AS base
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.version=$VERSION \
    org.opencontainers.image.revision=$REVISION \
    org.opencontainers.image.licenses=MIT \
    org.opencontainers.image.vendor=MyThoughts
COPY --from=build /image/etc /etc
COPY --from=build /image/LICENSE /LICENSE
ENV PATH=/usr/local/bin
# By number, so that whoever runs it can see that it is not root.
USER 65532:65532

FROM base AS thoughts-backend
LABEL org.opencontainers.image.title=thoughts-backend \
    org.opencontainers.image.description="MyThoughts: stores and searches thoughts, over gRPC"
COPY --from=build /programs/thoughts-backend /usr/local/bin/
EXPOSE 8000 9000
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s CMD ["thoughts-backend", "health-check"]
ENTRYPOINT ["thoughts-backend"]

FROM base AS users-backend
LABEL org.opencontainers.image.title=users-backend \
    org.opencontainers.image.description="MyThoughts: accounts, signing in and tokens, over gRPC"
COPY --from=build /programs/users-backend /usr/local/bin/
EXPOSE 8001 9001
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s CMD ["users-backend", "health-check"]
ENTRYPOINT ["users-backend"]

FROM base AS gateway
LABEL org.opencontainers.image.title=gateway \
    org.opencontainers.image.description="MyThoughts: pages for browsers"
COPY --from=build /programs/gateway /usr/local/bin/
EXPOSE 8002 9002
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s CMD ["gateway", "health-check"]
ENTRYPOINT ["gateway"]

# docker run --publish 127.0.0.1:8002:8002 --volume mythoughts:/data mythoughts/mythoughts:dev
FROM base AS mythoughts
LABEL org.opencontainers.image.title=mythoughts \
    org.opencontainers.image.description="The whole of MyThoughts in one process, on SQLite"
COPY --from=build /programs/mythoughts /usr/local/bin/
COPY --from=build --chown=65532:65532 /image/data /data
# Loopback is the container's own, which nobody else reaches.
ENV DATA_DIR=/data/mythoughts \
    THOUGHTS_LISTEN_ADDR=0.0.0.0:8000 \
    USERS_LISTEN_ADDR=0.0.0.0:8001 \
    GATEWAY_LISTEN_ADDR=0.0.0.0:8002
VOLUME /data
EXPOSE 8000 8001 8002
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s CMD ["mythoughts", "health-check"]
ENTRYPOINT ["mythoughts"]
