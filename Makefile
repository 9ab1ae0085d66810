# SPDX-License-Identifier: Apache-2.0
# Verbs only: each calls a script or meson. `make help` lists them.
.POSIX:
.PHONY: all demo check test asan msan port cov gates rfc middleboxes interop fault bench fuzz model papers install format clean help
.NOTPARALLEL:

PREFIX ?= /usr/local
FILE ?=
T ?= 60
ENGINE ?= libfuzzer
export PREFIX DESTDIR FILE

# scripts/check is in Python; a machine that has none yet gets it first.
CHECK = @command -v python3 >/dev/null || scripts/setup check; scripts/check
PROGRAM_ENV = PLAIT="$(CURDIR)/build/gcc/plait" PLAIT_BUILD="$(CURDIR)/build/gcc"

all:     ## build with gcc into build/gcc
	@scripts/setup build
	@scripts/build gcc

demo:    ## the main job: a file over two paths, with a path cut and restored (FILE=... for your own file)
	@scripts/setup demo
	@scripts/build gcc
	@$(PROGRAM_ENV) scripts/demo

check:   ## everything: gates, gcc and clang builds, tests, sanitizers, interop with the kernel
	$(CHECK)

test:    ## unit and scenario tests, gcc build
	$(CHECK) setup gcc test

asan:    ## unit and scenario tests under AddressSanitizer and UndefinedBehaviorSanitizer
	$(CHECK) setup asan

msan:    ## tests of the core and the simulator under MemorySanitizer
	$(CHECK) setup msan

port:    ## the same tests as 32-bit and as big-endian programs; each build simulates the same, bit for bit
	@scripts/setup port
	@scripts/check gcc clang m32 s390x same

cov:     ## coverage of the core by its tests; every line that none of them reached
	@scripts/setup dev
	@scripts/cov

gates:   ## the gates: layers, purity, names, sizes, tested, words, models
	$(CHECK) setup gcc gates

rfc:     ## which requirement of which RFC is obeyed where, and which test shows it
	@scripts/rfc

middleboxes: ## makes doc/middleboxes.md anew, and runs every pair of boxes: some minutes
	@scripts/setup build
	@scripts/build gcc
	@build/gcc/tests/scenario/scenario_boxes --table >build/middleboxes.md
	@cp build/middleboxes.md doc/middleboxes.md
	@build/gcc/tests/scenario/scenario_boxes --all 0 2 & one=$$!; \
	 build/gcc/tests/scenario/scenario_boxes --all 1 2; two=$$?; wait $$one && exit $$two

interop: ## against the MPTCP of the running kernel (root)
	$(CHECK) setup gcc interop

fault:   ## every single fault in short runs: packets lost, doubled, late, cut, changed; allocations that fail
	@scripts/setup check
	@scripts/build gcc
	@build/gcc/tests/fault/faults --jobs 2

bench:   ## speed, next to the kernel's
	@scripts/setup check
	@scripts/build gcc
	@$(PROGRAM_ENV) tests/bench/run

fuzz:    ## fuzz targets, T=60 seconds each (ENGINE=afl for AFL++)
	@case "$(ENGINE)" in afl) scripts/setup dev ;; *) scripts/setup check ;; esac
	@T="$(T)" ENGINE="$(ENGINE)" scripts/fuzz

model:   ## verifies the models of set-up, fallback, end and join with Spin
	@scripts/setup check
	@scripts/model

papers:  ## published experiments in the simulator, against theory and the papers: build/papers/report.html
	@scripts/setup check
	@scripts/build gcc
	@$(PROGRAM_ENV) scripts/papers

install: all ## the program and its manual pages (PREFIX=/usr/local, DESTDIR=)
	@meson configure build/gcc -Dprefix="$(PREFIX)"
	@meson install -C build/gcc

format:  ## clang-format all C files in place
	@scripts/setup dev
	@find src include tests -name '*.[ch]' -exec clang-format -i {} +

clean:   ## remove what was built
	rm -rf build

help:    ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## /  make \1\t/p' Makefile | expand -t 18
