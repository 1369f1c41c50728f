# SPDX-License-Identifier: Apache-2.0
# Read top to bottom: variables, the program, the tests, the rest.
# `make help` lists the targets. V=1 shows the commands.

B        ?= build
CC       ?= gcc
PKGS     := libevent libevent_openssl openssl libcurl jansson yaml-0.1 \
            libnghttp2 zlib libzstd sqlite3
PC       ?= pkg-config
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

ALL_CFLAGS = -std=gnu17 $(CFLAGS) $(WARN) $(HARDEN) $(DEFS) -Iinclude \
             $(shell $(PC) --cflags $(PKGS) 2>/dev/null) $(EXTRA_CFLAGS)
LIBS       = $(shell $(PC) --libs $(PKGS) 2>/dev/null) -lpthread -lm
LINK       = $(CC) $(CFLAGS) $(LDHARDEN) $(LDFLAGS)

SRC  := $(sort $(wildcard src/*.c src/*/*.c))
OBJ  := $(SRC:src/%.c=$B/obj/%.o)
LIB  := $(filter-out $B/obj/main.o,$(OBJ))

.PHONY: all
all: $B/xray-relay                  ## build the program (development build)

$B/xray-relay: $B/obj/main.o $B/libxr.a
	@echo "  LD    $@"
	$Q$(LINK) -o $@ $^ $(LIBS)

$B/libxr.a: $(LIB)
	@echo "  AR    $@"
	$Qrm -f $@ && ar rcs $@ $^

$B/obj/%.o: src/%.c
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$Q$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# --- tests -----------------------------------------------------------------
# A unit test includes the .c file under test and links the rest; adding a file
# adds a test.
UNIT := $(patsubst tests/unit/%.c,$B/unit/%,\
          $(sort $(wildcard tests/unit/*/*_test.c)))

$B/unit/%: tests/unit/%.c $B/libxr.a
	@mkdir -p $(@D)
	@echo "  TEST  $<"
	$Q$(CC) $(ALL_CFLAGS) -Isrc -Wno-missing-prototypes -MMD -MP \
	    $(LDHARDEN) -o $@ $< $B/libxr.a $(LIBS) -lcmocka

.PHONY: unit
unit: $(UNIT)                       ## build and run the unit tests
	$Qtests/unit/run $(UNIT)

-include $(OBJ:.o=.d) $(UNIT:=.d)

.PHONY: clean
clean:                              ## remove what was built
	rm -rf $B

.PHONY: help
help:                               ## list the targets
	@sed -n 's/^\([a-z_-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | \
	    expand -t 16 | sort
