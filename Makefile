# skipstream. `make demo` and `make test` are all a newcomer needs; both install what is missing.
#   make            build/skipstream and build/libskipstream.a
#   make test       everything that CI runs
#   make verify-all  long verifications on real networks
#   make lint       Verilator's warnings over every hardware module
#   make prove      proofs of the streams and of the engine's handshake (minutes)
#   make demo       the whole flow on the example network
#   make bench      benchmarks (minutes)
#   make calibrate  resources of the modules by synthesis, and the cost model fitted to them
#   make SANITIZE=1 BUILD=build-asan   address and undefined-behaviour sanitizers
BUILD ?= build
CC ?= cc
MARCH := $(shell uname -m)
JOBS ?= $(shell nproc)

PKGS := jansson libprotobuf-c libxxhash
CFLAGS_WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Werror
CFLAGS ?= -O3 -g
CPPFLAGS_ALL = -Iinclude -Isrc -I$(BUILD)/gen -D_POSIX_C_SOURCE=200809L \
  -DSS_DEVICE_DIR='"$(CURDIR)/devices"' -DSS_RTL_DIR='"$(CURDIR)/rtl"' $(shell pkg-config --cflags $(PKGS)) $(CPPFLAGS)
CFLAGS_ALL = -std=c11 -ffp-contract=off -fopenmp $(CFLAGS_WARN) $(CFLAGS)
LDLIBS_ALL = $(shell pkg-config --libs $(PKGS)) -fopenmp -lm
ifdef SANITIZE
CFLAGS_ALL += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS += -fsanitize=address,undefined
endif

LIB_SRC := $(filter-out src/cli/%,$(wildcard src/*/*.c))
CLI_SRC := $(wildcard src/cli/*.c)
TEST_SRC := $(wildcard tests/test_*.c)
LIB_OBJ := $(LIB_SRC:src/%.c=$(BUILD)/%.o) $(BUILD)/gen/onnx.pb-c.o
CLI_OBJ := $(CLI_SRC:src/%.c=$(BUILD)/%.o)
RTL_GEN := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/rtl/gen_*.c))
TESTS := $(TEST_SRC:tests/%.c=$(BUILD)/tests/%)
TEST_HELPERS := $(patsubst tests/%.c,$(BUILD)/tests/%.o,$(wildcard tests/util_*.c))

EVERY_TEST := $(TESTS) $(TESTS:$(BUILD)/%=$(BUILD)-asan/%) $(wildcard tests/cli_*.sh) tests/lint.sh tests/prove.sh $(wildcard tests/rtl_*.sh)
# Minutes each: they go first, longest first, beside all the others.
LONGEST := tests/rtl_network.sh tests/cli_study.sh $(BUILD)-asan/tests/test_threshold tests/cli_run.sh tests/rtl_broadcast.sh \
  tests/cli_verify.sh tests/cli_correct.sh tests/cli_export.sh $(BUILD)-asan/tests/test_replay

all: $(BUILD)/skipstream

$(BUILD)/skipstream: $(CLI_OBJ) $(BUILD)/libskipstream.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS_ALL)

$(BUILD)/libskipstream.a: $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

# The ONNX schema is the system's own. protobuf-c knows proto2 and proto3 alike.
$(BUILD)/gen/onnx.pb-c.c $(BUILD)/gen/onnx.pb-c.h &: $(shell pkg-config --variable=prefix libprotobuf-c)/include/onnx/onnx.proto
	@mkdir -p $(BUILD)/gen
	protoc-c --c_out=$(BUILD)/gen -I$(dir $<) $<

# Generated code is compiled without our warnings.
$(BUILD)/gen/onnx.pb-c.o: $(BUILD)/gen/onnx.pb-c.c
	$(CC) $(CPPFLAGS_ALL) -std=gnu11 -O2 -c -o $@ $<

ifeq ($(MARCH),x86_64)
$(BUILD)/infer/%_avx2.o: CFLAGS_ISA = -mavx2 -mfma
$(BUILD)/infer/%_avx512.o: CFLAGS_ISA = -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mfma
endif

$(BUILD)/%.o: src/%.c | $(BUILD)/gen/onnx.pb-c.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(CFLAGS_ISA) -MMD -MP -c -o $@ $<

$(BUILD)/tests/%.o: tests/%.c | $(BUILD)/gen/onnx.pb-c.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) -Itests $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(TEST_HELPERS) $(BUILD)/libskipstream.a
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS_ALL)

$(BUILD)/bench/%: bench/%.c $(TEST_HELPERS) $(BUILD)/libskipstream.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) -Itests $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LDLIBS_ALL)

bench-conv: $(BUILD)/bench/conv_bench
	$<

# Needs node, npm and the data folder; see bench/eval.sh.
bench: all bench-conv
	BUILD=$(BUILD) bench/eval.sh

.SECONDARY:

# The programs that write the hardware's test benches are built with the tests.
tests: all $(TESTS) $(RTL_GEN) $(BUILD)/calibrate/fit

# Everything that CI runs: GCC and Clang builds without a warning (Clang's come before it optimises, and what it built is not
# run), the tests, and the C tests again under the address and undefined-behaviour sanitizers (-g1: lines for their
# reports). The last line counts them all.
test: deps
	$(MAKE) -j$(JOBS) all tests
	$(MAKE) -j$(JOBS) CC=clang BUILD=$(BUILD)-clang CFLAGS=-O0 tests
	$(MAKE) -j$(JOBS) SANITIZE=1 BUILD=$(BUILD)-asan CFLAGS="-O1 -g1" tests
	BUILD=$(BUILD) JOBS=$(JOBS) tests/run.sh $(LONGEST) $(filter-out $(LONGEST),$(EVERY_TEST))

# The long verifications: ResNet-20 and a stage of ResNet-18 on real images, an hour or two; goes on where it stopped.
verify-all: deps
	$(MAKE) all tests jets-data
	BUILD=$(BUILD) RTL_FULL=1 tests/run.sh $(wildcard tests/rtl_*.sh) tests/verify_all.sh

lint:
	BUILD=$(BUILD) tests/run.sh tests/lint.sh

# `make test` runs those of the streams alone.
prove:
	@mkdir -p $(BUILD)
	PROVE_ALL=1 tests/prove.sh | tee $(BUILD)/prove.tap
	! grep '^not ok' $(BUILD)/prove.tap

deps:
	scripts/install-deps.sh

include examples/jets/jets.mk
include calibrate/calibrate.mk

# The whole flow on the example network; under three minutes after the build. On a larger board the pixels arrive no
# faster than the engines work, and raised thresholds gain nothing.
demo: deps
	$(MAKE) -j$(JOBS) all jets-data
	$(BUILD)/skipstream run examples/jets/jets.onnx --data $(BUILD)/jets --device kv260 --out $(BUILD)/demo
	@echo && echo "A design small enough to simulate in seconds, word by word against the integer reference:"
	$(BUILD)/skipstream explore examples/jets/jets.onnx --profile $(BUILD)/demo/profile.json --device kv260 \
	  --cap dsp=0.07 --brief --out $(BUILD)/demo/design_small.json
	$(BUILD)/skipstream verify $(BUILD)/demo/design_small.json --data $(BUILD)/jets/test_batch.bin --images 3 --brief
	@echo && echo "report: $(BUILD)/demo/report.html"

clean:
	rm -rf $(BUILD) $(BUILD)-clang $(BUILD)-asan

-include $(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d)

.PHONY: all tests test verify-all lint prove deps demo bench bench-conv clean
