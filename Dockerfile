# syntax=docker/dockerfile:1
# The operator alone: one static binary, as nobody, on nothing. Each architecture builds itself:
#   docker buildx build --platform linux/amd64,linux/arm64 --tag REPOSITORY:VERSION --provenance=mode=max --sbom=true .

FROM rust:1.95-alpine AS build
RUN apk add --no-cache build-base ca-certificates perl
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY src src
COPY templates templates
COPY benches benches
# The same sources and toolchain give the same bytes: no path of the builder, no time. No sandbox in a release.
ARG SOURCE_DATE_EPOCH=0
ENV RUSTFLAGS="--remap-path-prefix=/src=/ordain --remap-path-prefix=/usr/local/cargo=/cargo -C target-feature=+crt-static"
# Kernels of arm64 may have pages of up to 64 KiB, and an allocator built for smaller ones does not start there.
RUN if [ "$(uname -m)" = aarch64 ]; then export JEMALLOC_SYS_WITH_LG_PAGE=16; fi && \
    cargo build --locked --release --no-default-features --bin ordain && target/release/ordain --version
# The store's folder belongs to who runs: a new volume takes that over. Without users there is no name to look up.
RUN mkdir -p /root-of/var/lib/ordain /root-of/etc/ssl/certs /root-of/usr/local/bin /root-of/tmp && \
    cp target/release/ordain /root-of/usr/local/bin/ordain && \
    cp /etc/ssl/certs/ca-certificates.crt /root-of/etc/ssl/certs/ && \
    chown 65532:65532 /root-of/var/lib/ordain && chmod 0700 /root-of/var/lib/ordain

FROM scratch
LABEL org.opencontainers.image.title="ordain" \
      org.opencontainers.image.description="Keeps the policies of security and device-management systems exactly as Git says" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /root-of /
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/ordain"]
CMD ["run"]
