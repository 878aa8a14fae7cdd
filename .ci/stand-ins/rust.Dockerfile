# Stands in for rust:…-bookworm: Debian with a C compiler, this machine's Rust, and the packages that
# Cargo.lock names as cargo has fetched them here. It asks no registry for anything.
FROM stand-in/debian:bookworm
ENV PATH=/usr/local/rust/bin:$PATH \
    CARGO_HOME=/usr/local/cargo \
    CARGO_NET_OFFLINE=true
COPY bin /usr/local/rust/bin
COPY lib /usr/local/rust/lib
COPY libexec /usr/local/rust/libexec
COPY registry /usr/local/cargo/registry
