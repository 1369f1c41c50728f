# SPDX-License-Identifier: Apache-2.0
# The static program in an empty image. Functions on Lambda copy it from here;
# run by itself it is the side car: it listens on all addresses and takes the
# daemon's flags after the image's name, of which the last wins. Both
# architectures are built on x86-64 (docker build --platform linux/arm64 …).
FROM --platform=linux/amd64 docker.io/library/debian:12-slim AS build
WORKDIR /build
COPY packaging/dependencies packaging/
RUN packaging/dependencies static
COPY Makefile ./
COPY packaging packaging
COPY include include
COPY src src
# The libraries that are linked in take minutes to compile once, and are kept.
ARG TARGETARCH
ARG XR_CACHE=/cache
RUN --mount=type=cache,target=/cache \
    arch=$(echo ${TARGETARCH:-amd64} | sed 's/amd64/x86_64/; s/arm64/aarch64/') && \
    make static ARCH=$arch && \
    cp build/static-$arch/xray-relay / && \
    install -D /xray-relay /daemon/xray && \
    install -d /daemon/usr/bin && ln /daemon/xray /daemon/usr/bin/xray

FROM scratch
# Files, not links: AWS's walkthrough copies /src/collector into a function.
COPY --from=build /xray-relay /xray-relay
COPY --from=build /xray-relay /src/collector
COPY --from=build /xray-relay /healthcheck
# Manifests in the wild call the X-Ray daemon by these paths.
COPY --from=build /daemon /
USER 10001:10001
EXPOSE 2000/udp 2000/tcp 4317/tcp 4318/tcp
ENV XRAY_RELAY_OTLP_GRPC_ADDRESS=0.0.0.0:4317 \
    XRAY_RELAY_OTLP_HTTP_ADDRESS=0.0.0.0:4318 \
    XRAY_RELAY_ALLOW_REMOTE=1
HEALTHCHECK CMD ["/healthcheck"]
ENTRYPOINT ["/xray-relay", "-t", "0.0.0.0:2000", "-b", "0.0.0.0:2000"]
CMD []
