# The C parts (ring, mimalloc, zstd) need a compiler and nothing else; this image has one.
FROM rust:1-slim-bookworm AS build
WORKDIR /build
COPY . .
# The caches outlive the layer, so the binary is copied out of the target folder within the same step.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --bin tidegate \
    && cp target/release/tidegate /usr/local/bin/tidegate

# Its postgresql-client is of version 17, like the server of docker-compose.yml: `tidegate backup` and `restore` need it.
FROM debian:trixie-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates postgresql-client \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 tidegate \
    && useradd --system --uid 10001 --gid tidegate --no-create-home --home-dir /var/lib/tidegate --shell /usr/sbin/nologin tidegate \
    && install --directory --owner tidegate --group tidegate --mode 0700 /var/lib/tidegate
COPY --from=build /usr/local/bin/tidegate /usr/local/bin/tidegate
COPY LICENSE /usr/share/doc/tidegate/LICENSE

# There is no PostgreSQL server in this image: TIDEGATE_DATABASE_URL has to name one.
ENV TIDEGATE_LISTEN=0.0.0.0:8080 \
    TIDEGATE_METRICS_LISTEN=0.0.0.0:9464 \
    TIDEGATE_DATA_DIR=/var/lib/tidegate
USER 10001:10001
WORKDIR /var/lib/tidegate
VOLUME /var/lib/tidegate
EXPOSE 8080 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["tidegate", "healthcheck"]
ENTRYPOINT ["tidegate"]
CMD ["serve"]
