# SPDX-License-Identifier: Apache-2.0
# A plain image: built on Debian, run on Debian with only the libraries. Takes
# the daemon's flags after the image's name; of a repeated flag the last wins,
# so `docker run … xray-relay -b 0.0.0.0:3000` works as with the daemon.
FROM debian:12-slim AS build
WORKDIR /src
COPY packaging/dependencies packaging/dependencies
RUN packaging/dependencies build && rm -rf /var/lib/apt/lists/*
COPY Makefile LICENSE README.md CHANGELOG.md ./
COPY conf conf
COPY docs docs
COPY include include
COPY src src
RUN make && make install DESTDIR=/out

FROM debian:12-slim
COPY packaging/dependencies /tmp/dependencies
RUN /tmp/dependencies runtime && \
    rm -rf /tmp/dependencies /var/lib/apt/lists/* && \
    useradd --uid 10001 --no-create-home --shell /bin/false xray
COPY --from=build /out/usr /usr
# Manifests in the wild call the daemon by either of its paths.
RUN ln -s /usr/bin/xray-relay /usr/bin/xray && ln -s /usr/bin/xray-relay /xray
USER 10001
EXPOSE 2000/udp 2000/tcp
HEALTHCHECK CMD ["/usr/bin/xray-relay", "healthcheck"]
ENTRYPOINT ["/usr/bin/xray-relay", "-t", "0.0.0.0:2000", "-b", "0.0.0.0:2000"]
CMD []
