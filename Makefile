# SPDX-License-Identifier: Apache-2.0
# Read top to bottom: variables, the program, the tests, the rest.
# `make help` lists the targets. V=1 shows the commands.

B        ?= build
ifeq ($(origin CC),default)
CC       := gcc
endif
PKGS     := libevent libevent_openssl openssl libcurl jansson yaml-0.1 \
            libnghttp2 zlib libzstd sqlite3 ncursesw
PKGCONF  ?= pkg-config
VERSION  := 0.1.0
CFLAGS   ?= -O2 -g
WARN     := -Wall -Wextra -Wshadow -Wconversion -Wvla -Wstrict-prototypes \
            -Wmissing-prototypes $(if $(CI),-Werror)
HARDEN   := -fPIE -fstack-protector-strong -fstack-clash-protection \
            -D_FORTIFY_SOURCE=3
LDHARDEN := -pie -Wl,-z,relro,-z,now,-z,noexecstack
DEFS     := -D_GNU_SOURCE -DXR_VERSION='"$(VERSION)"' \
            $(if $(XR_PORTABLE),-DXR_PORTABLE=1)
Q        := $(if $(V),,@)

ifdef SAN
CFLAGS   := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
            -fno-sanitize-recover=undefined
HARDEN   := -fPIE
endif
ifdef COVERAGE
CFLAGS   := -O0 -g --coverage
HARDEN   := -fPIE
endif

ALL_CFLAGS = -std=gnu17 $(CFLAGS) $(WARN) $(HARDEN) $(DEFS) -Iinclude -Isrc \
             $(shell $(PKGCONF) --cflags $(PKGS) 2>/dev/null) $(EXTRA_CFLAGS)
LIBS       = $(shell $(PKGCONF) --libs $(PKGS) 2>/dev/null) -lpthread -lm
LINK       = $(CC) $(CFLAGS) $(LDHARDEN) $(LDFLAGS)

ifeq ($(PKGCONF)$(filter-out all install unit,$(MAKECMDGOALS)),pkg-config)
ifneq ($(shell $(PKGCONF) --exists $(PKGS) 2>/dev/null && echo yes),yes)
$(warning Libraries are missing: run packaging/dependencies build)
endif
endif

SRC  := $(sort $(wildcard src/*.c src/*/*.c))
OBJ  := $(SRC:src/%.c=$B/obj/%.o)
LIB  := $(filter-out $B/obj/main.o,$(OBJ)) $B/obj/roots.o

.PHONY: all
all: $B/xray-relay                  ## build the program (development build)

$B/xray-relay: $B/obj/main.o $B/libxr.a
	@echo "  LD    $@"
	$Q$(LINK) -o $@ $^ $(LIBS)

$B/libxr.a: $(LIB)
	@echo "  AR    $@"
	$Qrm -f $@ && $(AR) rcs $@ $^

# Certificates for images that have none.
$B/obj/roots.o: packaging/roots
	@mkdir -p $(@D)
	@echo "  GEN   $@"
	$Qpackaging/roots >$B/obj/roots.c
	$Q$(CC) $(ALL_CFLAGS) -c -o $@ $B/obj/roots.c

$B/obj/%.o: src/%.c
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$Q$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# --- the page of local mode --------------------------------------------------
# Its built files are checked in, so that a build needs no Node; `make ui` makes
# them anew from src/local/ui, and a test looks whether that was forgotten.
UI     := src/local/ui
UI_NPM := build/ui
UI_OUT := index.html app.js app.css

$B/obj/local/ui.o: $(UI_OUT:%=$(UI)/dist/%.gz)

$(UI_NPM)/.done: $(UI)/package.json $(UI)/package-lock.json
	@echo "  NPM   $(UI_NPM)"
	$Qmkdir -p $(UI_NPM) && cp $^ $(UI_NPM) && cd $(UI_NPM) && \
	    npm ci --silent --no-audit --no-fund
	$Qtouch $@

UI_BIN := $(UI_NPM)/node_modules/.bin

# esbuild binds the modules, terser shortens what it wrote; the indentation of
# the templates goes in between (a line feed alone means the same to htm).
.PHONY: ui-build ui
ui-build: $(UI_NPM)/.done
	$QNODE_PATH=$(UI_NPM)/node_modules $(UI_BIN)/esbuild \
	    $(UI)/main.js $(UI)/app.css --entry-names=app --bundle --minify \
	    --alias:@dagrejs/graphlib=./$(UI)/lib/graphlib.cjs --format=iife \
	    --target=es2022 --legal-comments=none --log-level=warning \
	    --outdir=$(UI_NPM)/out
	$Qsed 's/^[ \t]*//' $(UI_NPM)/out/app.js | $(UI_BIN)/terser \
	    --compress passes=2 --mangle --toplevel --ecma 2020 \
	    --output $(UI_NPM)/out/app.js
	$Qcp $(UI)/index.html $(UI_NPM)/out

ui: ui-build                        ## build the page's files from its sources
	$Qfor f in $(UI_OUT); do \
	    $$(command -v zopfli || echo gzip -9n) -c $(UI_NPM)/out/$$f \
	        > $(UI)/dist/$$f.gz; done; ls -l $(UI)/dist

UI_MOST := 60000 # bytes, of all files together as they are sent
.PHONY: ui-check
ui-check: ui-build                  ## are the page's built files those of its sources?
	$Qfor f in $(UI_OUT); do gzip -dc $(UI)/dist/$$f.gz | \
	    cmp -s - $(UI_NPM)/out/$$f || { echo "ui: dist/$$f.gz is not what" \
	    "the sources build, run make ui"; exit 1; }; done; \
	size=$$(cat $(UI_OUT:%=$(UI)/dist/%.gz) | wc -c); \
	echo "ui: built files are of their sources, $$size bytes"; \
	[ $$size -le $(UI_MOST) ] || { echo "ui: more than $(UI_MOST)"; exit 1; }

# --- tests -----------------------------------------------------------------
# A unit test includes the .c file under test and links the rest; adding a file
# adds a test.
UNIT := $(patsubst tests/unit/%.c,$B/unit/%,\
          $(sort $(wildcard tests/unit/*/*_test.c)))

$B/unit/%: tests/unit/%.c $B/libxr.a
	@mkdir -p $(@D)
	@echo "  TEST  $<"
	$Q$(CC) $(ALL_CFLAGS) -Wno-missing-prototypes -MMD -MP \
	    $(LDHARDEN) -o $@ $< $B/libxr.a $(LIBS) -lcmocka

.PHONY: generate
generate: $B/xray-relay             ## write the files made from option rows
	$B/xray-relay config --sample > conf/xray-relay.yaml
	$B/xray-relay config --manual > docs/OPTIONS.md

.PHONY: unit
unit: $(UNIT)                       ## build and run the unit tests
	$Qtests/unit/run $(UNIT)

-include $(OBJ:.o=.d) $(UNIT:=.d)

# --- everything that runs the built program ---------------------------------
# Python and Node packages live in build/, their downloads in the caches of pip
# and npm outside of the tree. T=expression picks scenarios (pytest -k).
PYTHON ?= python3
VENV   := build/venv
NODE   := build/node
PAGE   := build/browser

build/.dependencies: packaging/dependencies
	$Qmkdir -p build && packaging/dependencies build && touch $@

build/.dependencies-%: packaging/dependencies
	$Qmkdir -p build && packaging/dependencies build $* && touch $@

build/.dependencies-static: packaging/dependencies
	$Qmkdir -p build && packaging/dependencies static && touch $@

$(VENV)/.done: tests/requirements.txt tests/requirements-alone.txt
	@echo "  VENV  $(VENV)"
	$Qmkdir -p build && $(PYTHON) -m venv $(VENV)
	$Q$(VENV)/bin/pip install -q --disable-pip-version-check -r $<
	$Q$(VENV)/bin/pip install -q --disable-pip-version-check --no-deps \
	    -r tests/requirements-alone.txt
	$Qtouch $@

$(NODE)/.done: tests/sdk/node/package-lock.json tests/sdk/node/package.json
	@echo "  NPM   $(NODE)"
	$Qmkdir -p $(NODE) && cp $^ $(NODE) && cd $(NODE) && \
	    npm ci --silent --no-audit --no-fund
	$Qtouch $@

.PHONY: run
run: build/.dependencies            ## build and start `xray-relay local`
	$Q$(MAKE) -s -j$$(nproc) --no-print-directory all
	$Q$B/xray-relay local

.PHONY: demo
demo: build/.dependencies           ## send a sample of traces to `make run`
	$Q$(MAKE) -s -j$$(nproc) --no-print-directory all
	$Q$B/xray-relay demo

.PHONY: test
test: build/.dependencies-test      ## all tests, from a bare Debian 12 on
	$QMAKE="$(MAKE)" tests/stages all unit replay golden differential \
	    scenarios browser lambda portable

# What .ci/run runs. Replaying the fuzz corpora is part of both suites. Packages
# are installed in one go, as with -j two apt-get would meet.
.PHONY: ci
ci:
	$Qmkdir -p build && packaging/dependencies build test lint
	$Qtouch build/.dependencies build/.dependencies-test \
	    build/.dependencies-lint
	$QMAKE="$(MAKE)" tests/stages lint test test-clients package asan

# Our signer and botocore's over generated requests (ROUNDS=, SEED=), our
# credentials chain beside botocore's; our OTLP decoder and the protobuf
# runtime's (EXAMPLES=).
DIFFERENTIAL := sigv4_sign cred_get otlp_dump

$B/tests/%: tests/differential/%.c $B/libxr.a
	@mkdir -p $(@D)
	@echo "  TEST  $<"
	$Q$(CC) $(ALL_CFLAGS) $(LDHARDEN) -o $@ $< $B/libxr.a $(LIBS)

.PHONY: differential
differential: $(DIFFERENTIAL:%=$B/tests/%) $(VENV)/.done  ## compare with botocore and protobuf
	$QXR_SIGN=$(abspath $B/tests/sigv4_sign) \
	    XR_CRED=$(abspath $B/tests/cred_get) \
	    XR_OTLP_DUMP=$(abspath $B/tests/otlp_dump) $(VENV)/bin/python \
	    -m pytest -q -p no:cacheprovider tests/differential

.PHONY: golden
golden: $B/xray-relay               ## translate requests, compare documents
	$QXR_BIN=$(abspath $B/xray-relay) tests/golden/run $(if $T,-k "$T")

.PHONY: scenarios
scenarios: $B/xray-relay $(VENV)/.done $(NODE)/.done  ## run the scenarios
	$QXR_BIN=$(abspath $B/xray-relay) tests/scenarios/run \
	    $(if $T,-k "$T")

# The page of local mode in Chromium. T=names of files in tests/browser.
$(PAGE)/.done: tests/browser/package.json tests/browser/package-lock.json
	@echo "  NPM   $(PAGE)"
	$Qmkdir -p $(PAGE) && cp $^ $(PAGE) && cd $(PAGE) && \
	    npm ci --silent --no-audit --no-fund
	$Qtouch $@

.PHONY: browser
browser: $B/xray-relay $(PAGE)/.done ui-check ## try the page in a real browser
	$QXR_BIN=$(abspath $B/xray-relay) tests/browser/run $T

# The program as an extension, in an emulated Lambda environment.
.PHONY: lambda
lambda: $B/xray-relay $(VENV)/.done ## run the Lambda scenarios
	$QXR_BIN=$(abspath $B/xray-relay) tests/lambda/run $(if $T,-k "$T")

# The program that is shipped: one file, linked with musl.
.PHONY: lambda-static
lambda-static: static $(VENV)/.done ## run the Lambda scenarios, static build
	$QXR_BIN=$(abspath build/static-x86_64/xray-relay) tests/lambda/run \
	    $(if $T,-k "$T")

# The twin of what is Linux-only: its unit tests and the scenarios marked so.
.PHONY: portable
portable: $(VENV)/.done             ## unit tests and scenarios, portable build
	$Q$(MAKE) --no-print-directory XR_PORTABLE=1 B=build/portable all unit
	$QXR_BIN=$(abspath build/portable/xray-relay) tests/scenarios/run \
	    -m portable

# Programs with SDKs for Go, Java and Rust; a toolchain that is absent is
# skipped by name.
.PHONY: test-clients
test-clients:                       ## scenarios with SDKs for Go, Java, Rust
	$Qpackaging/dependencies clients
	$Qtests/clients/build
	$Q$(MAKE) --no-print-directory scenarios T="$(CLIENT_SCENARIOS)"
	$Q$(MAKE) --no-print-directory lambda T=test_rust

CLIENT_SCENARIOS := test_go or test_built or test_reference

DESTDIR ?=
PREFIX  ?= /usr

.PHONY: install
install: $B/xray-relay              ## install under DESTDIR and PREFIX
	install -Dm755 $B/xray-relay $(DESTDIR)$(PREFIX)/bin/xray-relay
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/doc/xray-relay LICENSE \
	    README.md CHANGELOG.md conf/xray-relay.yaml docs/OPTIONS.md

# --- benchmarks ------------------------------------------------------------
BENCH := $(patsubst tests/bench/%.c,$B/bench/%,$(wildcard tests/bench/*.c))

$B/bench/%: tests/bench/%.c tests/bench/otlp_body.h $B/libxr.a
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$Q$(CC) -std=gnu17 -O2 -g -D_GNU_SOURCE -Iinclude \
	    $$($(PKGCONF) --cflags $(PKGS)) -o $@ $< $B/libxr.a $(LIBS)

# A limit is as small as it can be: linked with musl where that is there.
$B/bench/bare_extension: tests/bench/bare_extension.c
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$Q$$(command -v musl-gcc || echo $(CC)) -std=gnu17 -Os -D_GNU_SOURCE \
	    -static -s -o $@ $<

.PHONY: bench
bench: $B/xray-relay $(BENCH)       ## measure against the limits [PEER=]
	$Qpython3 tests/bench/bench.py $B/xray-relay $B/bench

# --- what looks at the source ----------------------------------------------
.PHONY: lint
lint: build/.dependencies-lint      ## check format, sizes, layers, scripts
	$Qtests/lint/selftest
	$Qtests/lint/lint

CLANG_FORMAT ?= clang-format

.PHONY: format
format:                             ## bring C files into the form that lint asks
	$Q$(CLANG_FORMAT) -i $$(find include src tests -name '*.[ch]')

.PHONY: compile_commands
compile_commands:                   ## write compile_commands.json for clangd
	$Qtests/lint/compile_commands $(SRC) $(wildcard tests/*/*.c \
	    tests/unit/*/*.c) -- $(CC) $(ALL_CFLAGS) > $@.json

# Both run the whole suite with a program built for it. The quarantine of freed
# memory is kept small, since scenarios bound what the program holds. Generated
# requests are fewer than in `make test`: what they look for there is not memory.
SUITE := unit fuzz-replay golden differential scenarios lambda

.PHONY: asan
asan:                               ## all tests under address and UB sanitizer
	$QEXAMPLES=$${EXAMPLES:-1000} ROUNDS=$${ROUNDS:-1000} \
	    ASAN_OPTIONS=quarantine_size_mb=2 \
	    UBSAN_OPTIONS=print_stacktrace=1 \
	    MAKE="$(MAKE) SAN=1 B=build/asan" tests/stages all $(SUITE)

.PHONY: coverage
coverage:                           ## run all tests, list lines reached
	$Qfind build/coverage -name '*.gcda' -delete 2>/dev/null || true
	$QMAKE="$(MAKE) COVERAGE=1 B=build/coverage" tests/stages all $(SUITE)
	$Qtests/lint/coverage build/coverage

# --- fuzzing: a target per decoder ------------------------------------------
FUZZ         := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS ?= 30

# Without libFuzzer: the corpus and each beginning of its files.
$B/replay/%: tests/fuzz/%.c tests/fuzz/replay.c $B/libxr.a
	@mkdir -p $(@D)
	@echo "  FUZZ  $<"
	$Q$(CC) $(ALL_CFLAGS) -Wno-missing-prototypes $(LDHARDEN) \
	    -o $@ $^ $(LIBS)

.PHONY: fuzz-replay
fuzz-replay: $(FUZZ:%=$B/replay/%)
	$Qtests/fuzz/run replay $^

.PHONY: replay
replay:                             ## replay the fuzz corpus under sanitizers
	$Q$(MAKE) --no-print-directory SAN=1 B=build/asan fuzz-replay

$B/fuzz/%: tests/fuzz/%.c $B/libxr.a
	@mkdir -p $(@D)
	@echo "  FUZZ  $<"
	$Q$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

# Clang's pointer-overflow counts NULL + 0, the end of an empty slice, which
# gcc allows and C2y defines.
.PHONY: fuzz fuzz-run
fuzz: build/.dependencies-fuzz      ## fuzz each target for FUZZ_SECONDS
	$Q$(MAKE) --no-print-directory CC=clang B=build/clang WARN= HARDEN= \
	    CFLAGS="-O1 -g -fsanitize=fuzzer-no-link,address,undefined \
	    -fno-sanitize-recover=undefined -fno-sanitize=pointer-overflow" \
	    fuzz-run

fuzz-run: $(FUZZ:%=$B/fuzz/%)
	$Qtests/fuzz/run fuzz $(FUZZ_SECONDS) $^

# --- the static program: one file for any image ----------------------------
ARCH        ?= x86_64
STATIC_LIBS := -lcurl -levent_openssl -levent -lnghttp2 -lssl -lcrypto \
               -ljansson -lyaml -lsqlite3 -lzstd -lz -lncursesw -lpthread \
               -lm

.PHONY: static
static: build/.dependencies-static  ## fully static build [ARCH=aarch64]
	$Qprefix=$$(packaging/static/deps $(ARCH)) && \
	$(MAKE) --no-print-directory B=build/static-$(ARCH) \
	    CC="$$prefix/bin/cc" AR=$(ARCH)-linux-gnu-ar PKGCONF=false \
	    CFLAGS="-Os -ffunction-sections -fdata-sections \
	        -fno-asynchronous-unwind-tables -fno-unwind-tables" \
	    HARDEN="-fno-pie -fstack-protector-strong \
	        -fstack-clash-protection" \
	    EXTRA_CFLAGS="-I$$prefix/include" \
	    LDHARDEN="-static -no-pie -Wl,-z,relro,-z,now,-z,noexecstack" \
	    LDFLAGS="-Wl,--gc-sections $$prefix/lib/mimalloc.o" \
	    LIBS="-L$$prefix/lib $(STATIC_LIBS)" \
	    build/static-$(ARCH)/xray-relay && \
	packaging/static/finish $(ARCH)

.PHONY: layer
layer:                              ## Lambda layers for both architectures
	$Q$(MAKE) --no-print-directory static ARCH=x86_64
	$Q$(MAKE) --no-print-directory static ARCH=aarch64
	$Qpackaging/layer x86_64 x86_64
	$Qpackaging/layer aarch64 arm64

IMAGE    ?= xray-relay
PLATFORM ?=

.PHONY: image
image:                              ## container image [PLATFORM=linux/arm64]
	$Qpackaging/image $(IMAGE) $(PLATFORM)

# What reads the snippets of docs/LAMBDA.md in tests/packaging.
build/cdk/.done: tests/packaging/cdk/package-lock.json
	@echo "  NPM   $(@D)"
	$Qmkdir -p $(@D) && cp $(<D)/*.json $(@D) && cd $(@D) && \
	    npm ci --silent --no-audit --no-fund
	$Qtouch $@

build/cfn-lint/.done: tests/packaging/requirements.txt
	@echo "  VENV  $(@D)"
	$Qmkdir -p build && $(PYTHON) -m venv $(@D)
	$Q$(@D)/bin/pip install -q --disable-pip-version-check -r $<
	$Qtouch $@

.PHONY: package-tools
package-tools: build/cdk/.done build/cfn-lint/.done

.PHONY: package
package: $B/xray-relay $(VENV)/.done  ## build and test image and layers
	$QMAKE="$(MAKE)" tests/packaging/run $(if $(CI),--if-changed)

.PHONY: clean
clean:                              ## remove what was built
	rm -rf $B

.PHONY: help
help:                               ## list the targets
	@sed -n 's/^\([a-z_-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | \
	    expand -t 16 | sort
