# SPDX-License-Identifier: Apache-2.0
# stagewatchd: `make help` lists the targets.

VERSION := 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
SBINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
DATADIR ?= $(PREFIX)/share/stagewatchd
COMPLETION_BASH ?= $(PREFIX)/share/bash-completion/completions/stagewatchctl
COMPLETION_ZSH ?= $(PREFIX)/share/zsh/vendor-completions/_stagewatchctl
COMPLETION_FISH ?= $(PREFIX)/share/fish/vendor_completions.d/stagewatchctl.fish
SYSCONFDIR ?= $(if $(filter /usr,$(PREFIX)),/etc,$(PREFIX)/etc)
UNITDIR ?= $(PREFIX)/lib/systemd/system

ifeq ($(origin CC),default)
CC := gcc
endif
AR ?= ar
PKG_CONFIG ?= pkg-config
PYTEST ?= /usr/bin/python3 -m pytest
CLANG_FORMAT ?= clang-format
CLANG_TIDY ?= clang-tidy
BUILD ?= build
# V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),@:,@echo '  $(1)')

PACKAGES := libcurl libcjson libsystemd libmicrohttpd inih zlib sqlite3 libcrypto libxxhash \
	krb5-gssapi yaml-0.1 libcrypt gnutls
LIB_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES))
LIB_LIBS := $(shell $(PKG_CONFIG) --libs $(PACKAGES)) -lm

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla \
	-Wundef -Wcast-qual -Wwrite-strings -Wswitch-enum -Wconversion -Wno-sign-conversion \
	-Wnull-dereference -Werror=implicit-function-declaration \
	-Werror=incompatible-pointer-types -Werror=return-type
HARDENING := -fstack-protector-strong -fstack-clash-protection -fPIE
HARDENING_LD := -pie -Wl,-z,relro,-z,now,-z,noexecstack
# Flags that not every compiler or machine has.
cc-option = $(shell $(CC) -Werror $(1) -x c -c /dev/null -o /dev/null 2>/dev/null && echo $(1))
HARDENING += $(call cc-option,-fcf-protection=full)

ifdef SANITIZE
SAN := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT := -O1 -g
else ifdef COVERAGE
SAN := --coverage
OPT := -O0 -g
else
# Where it is built is nowhere in what is built.
OPT := -O2 -g -ffile-prefix-map=$(CURDIR)=.
HARDENING += -D_FORTIFY_SOURCE=3
endif

CFLAGS ?= $(OPT)
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE -Iinclude -I$(BUILD)/gen $(WARNINGS) $(if $(WERROR),-Werror) $(CFLAGS) \
	$(HARDENING) $(SAN) $(LIB_CFLAGS) -DSTAGEWATCHD_VERSION='"$(VERSION)"' \
	-DSTAGEWATCHD_SYSCONFDIR='"$(SYSCONFDIR)"'
ALL_LDFLAGS = $(HARDENING_LD) $(LDFLAGS) $(SAN)

# From the top down: a layer is linked before the ones it uses.
LAYERS := daemon web notifier remedy watch store setup ctl action notify source io wire conf core base
LIBS := $(patsubst %,$(BUILD)/lib%.a,$(filter-out ctl,$(LAYERS)))
CTL_LIBS := $(patsubst %,$(BUILD)/lib%.a,ctl io wire core base)
objects = $(patsubst src/%.c,$(BUILD)/obj/%.o,$(wildcard src/$(1)/*.c src/$(1)/*/*.c src/$(1)/*/*/*.c))

PROGRAMS := $(BUILD)/stagewatchd $(BUILD)/stagewatchctl

# Unit tests of a layer are linked with that layer and the ones below it only.
below_base := base
below_core := core base
below_conf := conf base
below_wire := wire core base
below_io := io base
below_source := source io wire core base
below_action := action io wire core base
below_notify := notify io wire core base
below_ctl := ctl io wire core base
below_setup := setup action notify source io wire conf core base
below_store := store $(below_setup)
below_watch := watch $(below_setup)
below_remedy := remedy watch store $(below_setup)
below_notifier := notifier store $(below_setup)
below_web := web notifier remedy watch store $(below_setup)
below_daemon := daemon $(below_web)
# From source upwards a test has a time and a log of its own, from watch upwards a host of its own, and the daemon's a network of
# its own: objects of the same names go before the archives.
FAKE_CLOCK := $(BUILD)/tests/unit/fake/clock.o $(BUILD)/tests/unit/fake/log.o
$(foreach l,source action notify setup store watch remedy notifier web daemon,$(eval fake_$(l) := $(FAKE_CLOCK)))
FAKE_HOST := $(BUILD)/tests/unit/fake/host.o
$(foreach l,watch remedy notifier web daemon,$(eval fake_$(l) += $(FAKE_HOST)))
fake_daemon += $(BUILD)/tests/unit/fake/http_client.o $(BUILD)/tests/unit/fake/sync.o
UNIT_SRC := $(wildcard tests/unit/*/test_*.c)
UNIT := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/tests/unit/%)
TEST_TOOLS := $(if $(wildcard tests/scenario/scenario.c),$(BUILD)/tests/scenario)

.PHONY: all check check-e2e install uninstall format format-check tidy coverage headers clean help demo
all: $(PROGRAMS) ## build stagewatchd and stagewatchctl; the default

define layer-rule
$(BUILD)/lib$(1).a: $(call objects,$(1))
	@rm -f $$@
	$(Q)$(AR) rcs $$@ $$^
endef
$(foreach l,$(LAYERS),$(eval $(call layer-rule,$(l))))

# Objects are made anew when the flags change: FLAGS holds those of the last build.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(subst ','\'',$(ALL_CFLAGS)) $(ALL_LDFLAGS)' | cmp -s - $@ || \
		echo '$(CC) $(subst ','\'',$(ALL_CFLAGS)) $(ALL_LDFLAGS)' > $@
FORCE:

# Files that the web server has within itself, as C strings.
EMBEDDED := $(patsubst src/web/%,$(BUILD)/gen/%.inc,$(wildcard src/web/*.css src/web/*.js src/web/*.svg))
$(BUILD)/gen/%.inc: src/web/%
	@mkdir -p $(@D)
	$(Q)sed 's/[\\"]/\\&/g; s/^/"/; s/$$/\\n"/' $< > $@
$(BUILD)/obj/web/assets.o: $(EMBEDDED)

# The pages of the runbook, likewise: a row of a table each.
RUNBOOK := $(wildcard doc/runbook/*.md)
EMBEDDED += $(BUILD)/gen/runbook.inc
$(BUILD)/gen/runbook.inc: doc/runbook.md doc/runbook $(RUNBOOK)
	@mkdir -p $(@D)
	$(Q)for f in doc/runbook.md $(RUNBOOK); do \
		echo "{\"$$(basename $$f .md)\","; sed 's/[\\"]/\\&/g; s/^/"/; s/$$/\\n"/' $$f; echo '},'; \
	done > $@
$(BUILD)/obj/web/runbook.o: $(BUILD)/gen/runbook.inc

$(BUILD)/obj/%.o: src/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC $<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/stagewatchd: $(BUILD)/obj/main.o $(LIBS)
	$(call say,LD $@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIB_LIBS)

$(BUILD)/stagewatchctl: $(BUILD)/obj/stagewatchctl.o $(CTL_LIBS)
	$(call say,LD $@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIB_LIBS)

$(BUILD)/tests/unit/fake/%.o: tests/unit/fake/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

define unit-rule
$(BUILD)/tests/unit/$(1)/%: tests/unit/$(1)/%.c $(BUILD)/flags $(fake_$(1)) $(below_$(1):%=$(BUILD)/lib%.a)
	@mkdir -p $$(@D)
	$(call say,LD $$@)
	$(Q)$$(CC) $$(ALL_CFLAGS) -MMD -MP -MF $$@.d -MT $$@ $$(ALL_LDFLAGS) -o $$@ $$< \
		$(fake_$(1)) $(below_$(1):%=$(BUILD)/lib%.a) $(LIB_LIBS) -lcmocka
endef
$(foreach l,$(LAYERS),$(eval $(call unit-rule,$(l))))

$(BUILD)/tests/scenario: tests/scenario/scenario.c tests/scenario/evidence.c tests/scenario/evidence.h $(BUILD)/flags $(BUILD)/libcore.a $(BUILD)/libbase.a
	@mkdir -p $(@D)
	$(call say,LD $@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.c,$^) \
		$(BUILD)/libcore.a $(BUILD)/libbase.a $(LIB_LIBS)

$(BUILD)/bench/floor: bench/floor.c bench/floor_curl.c bench/floor_sockets.c bench/floor_client.h $(BUILD)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.c,$^) -lcurl

$(BUILD)/bench/scale: bench/scale.c $(BUILD)/flags $(FAKE_CLOCK) $(below_web:%=$(BUILD)/lib%.a)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(FAKE_CLOCK) $(below_web:%=$(BUILD)/lib%.a) \
		$(LIB_LIBS)

$(BUILD)/bench/soak: bench/soak.c $(BUILD)/flags $(filter-out $(FAKE_HOST),$(fake_daemon)) $(below_daemon:%=$(BUILD)/lib%.a)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -MF $@.d -MT $@ $(ALL_LDFLAGS) -o $@ $< $(filter-out $(FAKE_HOST),$(fake_daemon)) \
		$(below_daemon:%=$(BUILD)/lib%.a) $(LIB_LIBS) -lcmocka

scale: $(BUILD)/bench/scale ## measure what grows with the number of apps, without any network
	$(BUILD)/bench/scale
.PHONY: scale

SOAK_POLLS ?= 1000000
soak: $(BUILD)/bench/soak ## poll a million times in accelerated time, and fail if anything the daemon holds grows (minutes)
	$(BUILD)/bench/soak $(SOAK_POLLS) > $(BUILD)/bench/soak.jsonl
	/usr/bin/python3 bench/soak_report.py $(BUILD)/bench/soak.jsonl $(BUILD)/bench/soak

# On two idle processors half an hour.
soak-sockets: $(PROGRAMS) $(SIM) ## the same over real sockets, with certificates
	/usr/bin/python3 bench/soak_sockets.py $(abspath $(BUILD)) --polls $(SOAK_POLLS)
.PHONY: soak soak-sockets

bench: all $(BUILD)/bench/floor ## measure the cost of watching, compared with bare libcurl
	/usr/bin/python3 bench/bench.py $(abspath $(BUILD)) $(SIZES:%=--sizes %)
.PHONY: bench

# Not those of a package's own build.
-include $(shell find $(BUILD) -path $(BUILD)/package -prune -o -type f -name '*.d' -print 2>/dev/null)

SOURCES = $(shell find src include tests bench -name '*.[ch]')
format: ## lay out the sources with clang-format
	$(CLANG_FORMAT) -i $(SOURCES)

format-check: ## fail if clang-format would change a source
	$(CLANG_FORMAT) --dry-run -Werror $(SOURCES)

# States of a function that the analyzer goes through. Nearly all of the time is its; clang's own limit is 225000, which takes
# four times as long: for before a release.
TIDY_NODES ?= 60000
TIDY_ARGS = -Xclang -analyzer-config -Xclang max-nodes=$(TIDY_NODES)
TIDY := $(patsubst %,tidy/%,$(shell find src -name '*.c'))
tidy: $(TIDY) ## run clang-tidy over all sources; -j runs several at once
$(TIDY): tidy/%: $(EMBEDDED)
	$(CLANG_TIDY) --quiet $(TIDY_ARGS:%=--extra-arg=%) $* -- -std=gnu17 -D_GNU_SOURCE -Iinclude -I$(BUILD)/gen $(LIB_CFLAGS) \
		-DSTAGEWATCHD_VERSION='"$(VERSION)"' -DSTAGEWATCHD_SYSCONFDIR='"$(SYSCONFDIR)"'

# Its findings that are wrong are in a file, each with the reason. Without <sys/queue.h> it cannot read what is made of that.
CPPCHECK ?= cppcheck
cppcheck: $(EMBEDDED) ## run cppcheck over all sources
	$(CPPCHECK) --quiet -j $$(nproc) --error-exitcode=1 --std=c11 --enable=warning,performance,portability --library=gnu --library=posix \
		--suppressions-list=tests/lint/cppcheck.txt --suppress=missingIncludeSystem \
		--include=$$(echo '#include <sys/queue.h>' | $(CC) -E -M -x c - | tr ' ' '\n' | grep -m 1 'sys/queue.h') \
		-Iinclude -I$(BUILD)/gen -D_GNU_SOURCE '-DSTAGEWATCHD_VERSION=""' '-DSTAGEWATCHD_SYSCONFDIR=""' src
.PHONY: cppcheck

# Without optimization, which hides initial values from it. Its findings that are wrong are off here, each with the reason:
# - leaks: it does not follow __attribute__((cleanup)) through the headers' inline functions. LeakSanitizer does, in each test.
# - use after free: gcc 12 takes what reallocarray() enlarged for given back. AddressSanitizer would find it.
# - uninitialized values: gcc 12 forgets those of locals with a cleanup attribute in a loop. -Wuninitialized and clang's analyzer look
#   for them, too.
ANALYZE := -fanalyzer -O0 -U_FORTIFY_SOURCE -Wno-analyzer-malloc-leak -Wno-analyzer-file-leak -Wno-analyzer-use-after-free \
	-Wno-analyzer-use-of-uninitialized-value
ANALYZED := $(patsubst src/%.c,$(BUILD)/analyze/%.done,$(shell find src -name '*.c'))
$(BUILD)/analyze/%.done: src/%.c $(BUILD)/flags $(EMBEDDED)
	@mkdir -p $(@D)
	$(call say,ANALYZE $<)
	$(Q)$(CC) $(ALL_CFLAGS) -Werror $(ANALYZE) -MMD -MP -MF $(@:.done=.d) -MT $@ -c $< -o /dev/null
	@touch $@
analyze: $(ANALYZED) ## run gcc's analyzer over all sources (minutes)
.PHONY: analyze

SHELL_SCRIPTS = $(shell grep -slE -d skip '^\#!.*\<(ba)?sh\>' .ci/* debian/* tests/*) tests/patience.sh etc/completion/stagewatchctl.bash
shellcheck: ## run shellcheck over all shell scripts
	shellcheck -x $(SHELL_SCRIPTS)
.PHONY: shellcheck

# The daemon with a clock, a disk and crashes of the test's: objects of the same names go before the
# archives. It is never installed.
SIM := $(BUILD)/tests/stagewatchd-sim
$(SIM): $(BUILD)/obj/main.o $(wildcard tests/sim/*.c) $(BUILD)/flags $(LIBS)
	@mkdir -p $(@D)
	$(call say,LD $@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.o %.c,$^) $(LIBS) $(LIB_LIBS)

# What is done with a file while memory runs out at one place after the other: the fuzzers' targets, and the scenarios.
# Not with a sanitizer, which has the allocator to itself.
ALLOC_TOOL := tests/alloc/fault.c tests/alloc/leaks.c tests/alloc/died.c
# Two targets check nothing of what they make for themselves, or in what order.
ALLOC := $(BUILD)/tests/alloc/core $(filter-out %/notice %/text,$(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/tests/alloc/%,$(wildcard tests/fuzz/fuzz_*.c)))
ALLOC_CC = $(CC) -std=gnu17 -D_GNU_SOURCE -O1 -g -Iinclude -Itests/alloc -I$(BUILD)/gen $(LIB_CFLAGS)
ALLOC_LIBS = $(below_setup:%=$(BUILD)/lib%.a)
$(BUILD)/tests/alloc/core: tests/alloc/target_core.c tests/scenario/scenario.c tests/scenario/evidence.c $(ALLOC_TOOL) $(ALLOC_LIBS)
	@mkdir -p $(@D)
	$(Q)$(ALLOC_CC) -o $@ $(ALLOC_TOOL) $< tests/scenario/evidence.c $(ALLOC_LIBS) $(LIB_LIBS)
$(BUILD)/tests/alloc/%: tests/fuzz/fuzz_%.c tests/alloc/target_fuzz.c $(ALLOC_TOOL) $(ALLOC_LIBS)
	@mkdir -p $(@D)
	$(Q)$(ALLOC_CC) -o $@ $(ALLOC_TOOL) $< tests/alloc/target_fuzz.c $(ALLOC_LIBS) $(LIB_LIBS)

# Those that make check runs.
ALLOC_QUICK := $(if $(SANITIZE),,$(BUILD)/tests/alloc/conf $(BUILD)/tests/alloc/spark_rest)
tests: $(PROGRAMS) $(UNIT) $(TEST_TOOLS) $(SIM) $(ALLOC_QUICK) ## build the test programs, too
.PHONY: tests

# Environment of all tests. LeakSanitizer needs no word: ASan brings it.
TEST_ENV = STAGEWATCHD_BUILD=$(abspath $(BUILD)) STAGEWATCHD_SANITIZE=$(SANITIZE)

# TESTS= names some of them.
TESTS ?= tests
check: tests ## run all tests that need no Spark and no Airflow
	$(TEST_ENV) $(PYTEST) -q -rs -n 16 --dist loadgroup $(TESTS) --ignore=tests/e2e --ignore=tests/sim --ignore=tests/browser --ignore=tests/packages

check-sim: tests ## run the daemon through crashes and faults, in accelerated time
	$(TEST_ENV) $(PYTEST) -q -rs -rP -n 4 tests/sim
.PHONY: check-sim

check-browser: $(PROGRAMS) ## look at the web pages in a real, headless Chromium
	$(TEST_ENV) $(PYTEST) -q -rs tests/browser
.PHONY: check-browser

check-alloc: tests $(ALLOC) $(BUILD)/seeds/words ## let memory run out at each place of base, conf, core and wire in turn (minutes)
	$(TEST_ENV) /usr/bin/python3 tests/alloc/run.py $(abspath $(BUILD)) --leaks
.PHONY: check-alloc

# With clang's libFuzzer; what it finds on its way stays in the build directory. What a target begins with is in the folder
# of its name, else it is the recorded answers.
FUZZ_SECONDS ?= 60
FUZZ_BUILD = $(BUILD)-fuzz
FUZZ_SANITIZE = fuzzer-no-link,address,undefined
FUZZ := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_LIBS = $(below_setup:%=$(BUILD)/lib%.a)
FUZZ_SEEDS = $(BUILD)/seeds
seeds-of = $(or $(wildcard $(FUZZ_SEEDS)/$(1:fuzz_%=%)),$(FUZZ_SEEDS)/body)
$(BUILD)/fuzz/%: tests/fuzz/%.c tests/fuzz/mutate.c $(BUILD)/flags $(FUZZ_LIBS)
	@mkdir -p $@.corpus
	$(call say,LD $@)
	$(Q)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(ALL_LDFLAGS) -o $@ $< tests/fuzz/mutate.c $(FUZZ_LIBS) $(LIB_LIBS)

$(FUZZ_SEEDS)/words: tests/fuzz/seeds.py
	/usr/bin/python3 tests/fuzz/seeds.py $(FUZZ_SEEDS)

FUZZ_RUNS := $(FUZZ:%=%.run)
$(FUZZ_RUNS): %.run: % $(FUZZ_SEEDS)/words
	$< -max_total_time=$(FUZZ_SECONDS) -max_len=65536 -timeout=10 -dict=$(FUZZ_SEEDS)/words \
		-artifact_prefix=$<. $<.corpus $(call seeds-of,$(notdir $<))
.PHONY: $(FUZZ_RUNS)

fuzz: ## fuzz each decoder for FUZZ_SECONDS (60), with the recorded answers to begin with
	$(MAKE) --no-print-directory BUILD=$(FUZZ_BUILD) CC=clang SANITIZE=$(FUZZ_SANITIZE) \
		$(patsubst tests/fuzz/%.c,$(FUZZ_BUILD)/fuzz/%.run,$(wildcard tests/fuzz/fuzz_*.c))
.PHONY: fuzz

# What the seeds and all that fuzzing has found reach of the decoders. The lines that it lists least are to be looked at.
FUZZ_COVERED = $(FUZZ_BUILD)-coverage
FUZZ_COVERS := $(FUZZ:%=%.cover)
$(FUZZ_COVERS): %.cover: % $(FUZZ_SEEDS)/words
	mkdir -p $(CORPORA)/$(notdir $<).corpus
	LLVM_PROFILE_FILE=$<.profraw $< -runs=0 $(CORPORA)/$(notdir $<).corpus $(call seeds-of,$(notdir $<)) 2>$<.log
.PHONY: $(FUZZ_COVERS)

fuzz-cover: $(FUZZ_COVERS)
	llvm-profdata merge -o $(BUILD)/fuzz.profdata $(FUZZ:%=%.profraw)
	llvm-cov report $(firstword $(FUZZ)) $(FUZZ:%=-object %) -instr-profile $(BUILD)/fuzz.profdata \
		$(wildcard src/wire/*.c src/conf/*.c)
.PHONY: fuzz-cover

fuzz-coverage: ## how much of the decoders fuzzing reaches, with what make fuzz has found so far
	$(MAKE) --no-print-directory BUILD=$(FUZZ_COVERED) CORPORA=$(FUZZ_BUILD)/fuzz CC=clang SANITIZE=fuzzer-no-link \
		CFLAGS='-O1 -g -fprofile-instr-generate -fcoverage-mapping' fuzz-cover
.PHONY: fuzz-coverage

check-e2e: $(PROGRAMS) ## run the tests against real Spark and real Airflow
	$(TEST_ENV) $(PYTEST) -q -rs -n 2 --dist loadgroup -m 'not long' tests/e2e

check-e2e-long: $(PROGRAMS) ## run more ways to end a task against real Airflow 3.3 and 2.11, on Kubernetes, and on a YARN with Kerberos (a quarter of an hour)
	$(TEST_ENV) $(PYTEST) -q -rs -n 2 --dist loadgroup -m long tests/e2e
.PHONY: check-e2e-long

check-packages: $(PROGRAMS) ## build, install and remove the packages, the image and the chart for real (half an hour)
	$(TEST_ENV) $(PYTEST) -q -rs -n 2 --dist loadfile tests/packages
.PHONY: check-packages

HELM ?= helm
chart: ## pack the Helm chart, with the alert rules in it
	@mkdir -p $(BUILD)
	$(HELM) package chart/stagewatchd --version $(VERSION) --app-version $(VERSION) -d $(BUILD)
.PHONY: chart

# What is built is a copy, from a place and with an environment of its own: the packages are the same, byte by byte,
# wherever they are built. Tests are make check's; DEB_BUILD_OPTIONS= runs those that the package has.
PACKED := $(BUILD)/package/stagewatchd-$(VERSION)
PLAIN_ENV := env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u CC -u CFLAGS -u BUILD -u WERROR -u DESTDIR -u PREFIX
$(PACKED).tar.gz: FORCE
	rm -rf $(PACKED)
	mkdir -p $(PACKED)
	tar --exclude='./build*' --exclude=./.git -cf - . | tar -xf - -C $(PACKED)
	tar --sort=name --mtime=@$$(dpkg-parsechangelog -S Timestamp 2>/dev/null || echo 0) --owner=0 --group=0 --numeric-owner \
		-C $(BUILD)/package -czf $@ $(notdir $(PACKED))

sbom: all ## write an SPDX document of what was built: sources, libraries, licences
	/usr/bin/python3 packaging/sbom.py $(BUILD) $(VERSION) > $(BUILD)/stagewatchd-$(VERSION).spdx.json.new
	mv $(BUILD)/stagewatchd-$(VERSION).spdx.json.new $(BUILD)/stagewatchd-$(VERSION).spdx.json
	@ls $(BUILD)/*.spdx.json
.PHONY: sbom

# Twice, in directories of other names and lengths, at another time and in another order: the same bits.
TWICE := $(BUILD)-twice
reproducible: ## build twice in different places and compare the bits
	@for d in $(TWICE)/one $(TWICE)/quite-another/directory; do \
		rm -rf $$d && mkdir -p $$d && tar --exclude='./build*' --exclude=./.git -cf - . | tar -xmf - -C $$d && \
		$(PLAIN_ENV) $(MAKE) -s --no-print-directory -C $$d $(if $(findstring one,$$d),-j2,) all BUILD=build || exit 1; \
	done
	cmp $(TWICE)/one/build/stagewatchd $(TWICE)/quite-another/directory/build/stagewatchd
	cmp $(TWICE)/one/build/stagewatchctl $(TWICE)/quite-another/directory/build/stagewatchctl
	@echo "the same bits: $$(sha256sum < $(TWICE)/one/build/stagewatchd | cut -c1-16)"
	@rm -rf $(TWICE)
.PHONY: reproducible

DEB_BUILD_OPTIONS ?= nocheck parallel=$(shell nproc)
deb: $(PACKED).tar.gz ## build a package for Debian (debhelper, dpkg-dev)
	cd $(PACKED) && $(PLAIN_ENV) DEB_BUILD_OPTIONS="$(DEB_BUILD_OPTIONS)" dpkg-buildpackage -b -us -uc
	@ls $(BUILD)/package/*.deb
.PHONY: deb

# On a system without a database of RPMs nothing can say whether the libraries are there: RPMBUILD_FLAGS=--nodeps.
RPMBUILD_FLAGS ?=
rpm: $(PACKED).tar.gz ## build an RPM (rpmbuild)
	cd $(BUILD)/package && $(PLAIN_ENV) rpmbuild -bb $(RPMBUILD_FLAGS) --define "_topdir $$PWD/rpm" --define "_sourcedir $$PWD" \
		$(abspath packaging/stagewatchd.spec)
	@find $(BUILD)/package/rpm/RPMS -name '*.rpm'
.PHONY: rpm

demo: ## show a real hang under a real Airflow: found, killed, retried
	tests/demo

# Every header compiles by itself. Where a source begins with it, the build shows that.
SHOWN = $(shell find src -name '*.c' | xargs awk 'FNR == 1 { seen = 0 } /^\#include/ && !seen++ { gsub(/"/, "", $$2); print $$2 }')
HEADERS = $(filter-out $(SHOWN),$(patsubst include/%,%,$(shell find include -name '*.h')))
headers: ## compile every header by itself that no source begins with
	@cd include && printf '%s\n' $(HEADERS) | xargs -P $$(nproc) -I{} \
		$(CC) $(patsubst -Iinclude,-I.,$(filter-out --coverage,$(ALL_CFLAGS))) -x c -fsyntax-only -include {} /dev/null

COVERED = $(BUILD)-coverage
coverage: ## measure the line coverage of the tests, by layer
	$(MAKE) --no-print-directory BUILD=$(COVERED) COVERAGE=1 check
	gcovr --root . --object-directory $(COVERED) --filter 'src/' --print-summary \
		--txt $(COVERED)/coverage.txt --json-summary $(COVERED)/coverage.json
	@cat $(COVERED)/coverage.txt

# Where the links of the alerts lead; without a word, to the daemon that was scraped.
rules-urls = -e '' $(if $(RUNBOOK_URL),-e '/^ +runbook_url/s|: .*/runbook/|: $(RUNBOOK_URL)/|') \
	$(if $(DASHBOARD_URL),-e 's|^( +dashboard_url: ).*|\1$(DASHBOARD_URL)|') \
	$(if $(WEB_URL),-e '/^ +[a-z]+_url/s|http://\{\{[^}]*\}\}|$(WEB_URL)|')

install: all ## copy what users need below DESTDIR and PREFIX
	install -D -m 755 -t $(DESTDIR)$(SBINDIR) $(PROGRAMS)
	install -D -m 644 -t $(DESTDIR)$(DATADIR) etc/stagewatchd.conf systemd/stagewatchd.socket
	install -D -m 644 -t $(DESTDIR)$(DATADIR)/systemd systemd/*.conf
	install -d -m 755 $(DESTDIR)$(SYSCONFDIR)/stagewatchd.conf.d
	@# The administrator's stays.
	[ -e $(DESTDIR)$(SYSCONFDIR)/stagewatchd.conf ] || \
		install -m 644 etc/stagewatchd.conf $(DESTDIR)$(SYSCONFDIR)/stagewatchd.conf
	install -D -m 644 -t $(DESTDIR)$(DATADIR)/airflow etc/airflow/*.py etc/airflow/pyproject.toml
	install -d -m 755 $(DESTDIR)$(DATADIR)/prometheus
	sed -E $(rules-urls) etc/prometheus/stagewatchd.rules.yml > $(DESTDIR)$(DATADIR)/prometheus/stagewatchd.rules.yml
	chmod 644 $(DESTDIR)$(DATADIR)/prometheus/stagewatchd.rules.yml
	install -D -m 644 -t $(DESTDIR)$(DATADIR)/prometheus etc/prometheus/alertmanager.yml
	install -D -m 644 -t $(DESTDIR)$(DATADIR)/grafana etc/grafana/stagewatchd.json
	install -D -m 644 -t $(DESTDIR)$(DATADIR)/spark etc/spark/spark-defaults.conf
	install -D -m 644 -t $(DESTDIR)$(DATADIR)/compose etc/compose/*.yml
	install -D -m 644 -t $(DESTDIR)$(DATADIR)/examples/ml-pipeline $(wildcard examples/ml-pipeline/*.*)
	install -m 644 tests/setup.d/example.lock $(DESTDIR)$(DATADIR)/examples/ml-pipeline/requirements.lock
	install -D -m 644 -t $(DESTDIR)$(DATADIR)/doc/runbook $(RUNBOOK)
	install -D -m 644 -t $(DESTDIR)$(DATADIR)/doc doc/README.md doc/tutorial.md doc/why-a-timeout-is-not-enough.md doc/runbook.md \
		doc/preventing-hangs.md doc/kubernetes.md doc/managed-airflow.md doc/facts.md doc/soak.md doc/soak.svg
	install -D -m 644 -t $(DESTDIR)$(MANDIR)/man8 man/stagewatchd.8 man/stagewatchctl.8
	install -D -m 644 -t $(DESTDIR)$(MANDIR)/man5 man/stagewatchd.conf.5
	install -D -m 644 etc/completion/stagewatchctl.bash $(DESTDIR)$(COMPLETION_BASH)
	install -D -m 644 etc/completion/stagewatchctl.zsh $(DESTDIR)$(COMPLETION_ZSH)
	install -D -m 644 etc/completion/stagewatchctl.fish $(DESTDIR)$(COMPLETION_FISH)
	install -d -m 755 $(DESTDIR)$(UNITDIR)
	sed 's|@SBINDIR@|$(SBINDIR)|g' systemd/stagewatchd.service \
		> $(DESTDIR)$(UNITDIR)/stagewatchd.service
	chmod 644 $(DESTDIR)$(UNITDIR)/stagewatchd.service

# A daemon without its files would go on, and act.
uninstall: ## stop the daemon and remove what install copied, except the configuration
	[ -n "$(DESTDIR)" ] || [ ! -d /run/systemd/system ] || systemctl disable --now stagewatchd.service || \
		! systemctl is-active --quiet stagewatchd.service
	rm -f $(DESTDIR)$(SBINDIR)/stagewatchd $(DESTDIR)$(SBINDIR)/stagewatchctl \
		$(DESTDIR)$(UNITDIR)/stagewatchd.service $(DESTDIR)$(MANDIR)/man8/stagewatchd.8 \
		$(DESTDIR)$(MANDIR)/man8/stagewatchctl.8 $(DESTDIR)$(MANDIR)/man5/stagewatchd.conf.5 \
		$(DESTDIR)$(COMPLETION_BASH) $(DESTDIR)$(COMPLETION_ZSH) $(DESTDIR)$(COMPLETION_FISH)
	rm -rf $(DESTDIR)$(DATADIR)
	[ -n "$(DESTDIR)" ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload

clean: ## remove all build directories
	rm -rf $(BUILD) $(TWICE) $(COVERED) $(FUZZ_BUILD) $(FUZZ_BUILD)-coverage build-sanitize

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 16
	@echo
	@echo 'Not targets, but worth running:'
	@echo '  tests/setup build test lint     install what building and testing need'
	@echo '  tests/all                       every test there is, from a bare machine on'
	@echo '  tests/demo                      as make demo, with the set-up it needs'
	@echo '  build/stagewatchd --once        look at the applications of this host'
	@echo '  build/stagewatchd --replay FILE print the verdicts on a recording'
	@echo '  build/tests/scenario FILE...    run scenarios; SCENARIO_VERBOSE=1 shows each verdict'
	@echo '  tests/replay/worth.py           what each kind of evidence contributes and costs'
	@echo '  examples/ml-pipeline/run        measure ways to bring records to the driver'
	@echo
	@echo 'Variables: TESTS="tests/test_unit.py tests/scenario" (for check), V=1 (show commands), WERROR=1,'
	@echo '  SANITIZE=address,undefined BUILD=build-sanitize, CC=, DESTDIR=, PREFIX=,'
	@echo '  WEB_URL=, RUNBOOK_URL=, DASHBOARD_URL= (for install: where the links of alerts lead)'
