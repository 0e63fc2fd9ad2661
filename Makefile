# SPDX-License-Identifier: MIT
# The front door: what can be made, in which room it is made. "make help" tells.
# (The kernel's build system reads Kbuild, not this file.)

VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
KVERSION ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVERSION)/build
PREFIX ?= /usr/local
DESTDIR ?=
UDEVDIR ?= /lib/udev/rules.d

sources := Kbuild module uapi

# Paths here are relative, so that this directory may have any name. "make -f" from
# elsewhere would take another directory's build/ for its own.
ifeq ($(filter Makefile ./Makefile,$(lastword $(MAKEFILE_LIST))),)
$(error Run make in the directory of this Makefile, with "make -C DIRECTORY")
endif

# What means something to make, kbuild or gcc in a path, or to QEMU in an option.
hash := \#
space := $(subst ,, )
special := : ; , ' " ` $$ \ % & | < > ( ) [ ] { } * ? ! $(hash)
is_special = $(if $(findstring $(space),$(1)),space)$(strip $(foreach c,$(special),$(findstring $(c),$(1))))
is_absolute = $(filter /%,$(firstword $(1)))
goals_among = $(filter $(1),$(MAKECMDGOALS))

# A goal that cannot do its work says so before it makes anything.
ifneq ($(call goals_among,all module install),)
ifneq ($(call is_special,$(CURDIR)),)
$(error The kernel's build system cannot build in "$(CURDIR)": rename the directory, \
	without spaces and special characters)
endif
endif
ifneq ($(call goals_among,install),)
ifneq ($(call is_special,$(DESTDIR)),)
$(error The kernel's build system cannot install into DESTDIR="$(DESTDIR)": \
	name a directory without spaces and special characters)
endif
endif
ifneq ($(call goals_among,lib tools all install install-user uninstall),)
ifneq ($(if $(call is_absolute,$(PREFIX)),$(call is_special,$(PREFIX)),relative),)
$(error PREFIX="$(PREFIX)" has to begin with "/", without spaces and special characters)
endif
endif

# Relative to this directory, not to those where the makes below run.
ifneq ($(DESTDIR),)
ifeq ($(call is_absolute,$(DESTDIR)),)
override DESTDIR := $(CURDIR)/$(DESTDIR)
endif
endif
# Recipes read these from their environment: a quote in a name stays a quote there.
export PREFIX DESTDIR UDEVDIR KVERSION KDIR
export destdir_for_make := $(subst $$,$$$$,$(DESTDIR))
place := DESTDIR="$$destdir_for_make"

help:
	@echo 'On any recent Debian (Ubuntu was not tried). They boot their own kernels in QEMU'
	@echo 'and leave the running one alone:'
	@echo '  demo       camera, GPU and display share buffers; ends with a picture'
	@echo '  check      the tests, on kernels of Debian stable'
	@echo '  matrix     the same on more kernels and architectures: KERNEL=, ARCH= and MACHINE='
	@echo '             choose, or CELLS= names some of them'
	@echo '  torture    the same tests on a kernel that finds faults by itself (compiled once:'
	@echo '             half an hour), with memory leaks, locks and accesses watched'
	@echo '  torture-6.12  likewise on an older one, which misuses buffers on purpose'
	@echo '  coverage   which lines and branches of the module no test reaches'
	@echo ''
	@echo 'Debian packages, made and tried in the same way:'
	@echo '  packages        for amd64, arm64 and armhf, in build/packages'
	@echo '  check-packages  install, boot, upgrade the kernel, purge, on fresh machines'
	@echo ''
	@echo 'For this machine:'
	@echo '  deps       install the packages that the targets here need'
	@echo '  module     bufalloc.ko, for KDIR=$(KDIR)'
	@echo '  lib        libbufalloc'
	@echo '  tools      the command "bufalloc"'
	@echo '  install    all three, man pages and a udev rule, under PREFIX=$(PREFIX)'
	@echo '  install-user  the same without the module, which needs no kernel headers'
	@echo '  uninstall  the reverse'
	@echo '  dkms       the module by DKMS, which builds it again for each new kernel'
	@echo ''
	@echo 'For those who change it:'
	@echo '  lint       style and static checks; STEPS="man rooms" names some'
	@echo '  smoke      what the continuous integration boots after make check'
	@echo '  mutants    plants bugs in a copy, one at a time: each has to be found; MUTANTS=, ROUNDS='
	@echo '  fuzz       random programs of calls, MINUTES=2 and SEED=, JOBS= guests at a time;'
	@echo '             CELL= names another kernel'
	@echo '  soak       all kinds of work and trouble at once, HOURS=2 and SEED=; CELL='
	@echo '  bench      the cost of each operation beside others, in instructions; CELLS='
	@echo '  matrix-table  the last results as tables, into README.md and docs/matrix.md'
	@echo '  clean      remove build/'

all: module lib tools

# gcc does not know the options of a kernel that clang built.
clang_built = $(shell grep -s '^CONFIG_CC_IS_CLANG=y' '$(KDIR)/include/config/auto.conf')
llvm = $(if $(LLVM)$(filter command,$(origin CC)),,$(if $(clang_built),LLVM=1))

# kbuild writes beside the sources, so it gets a copy of them.
module:
	@test -e '$(KDIR)/Makefile' || { \
		echo 'There are no kernel headers in $(KDIR).'; \
		echo 'Try "make deps", or name another place with KDIR=.'; exit 1; }
	@test -z '$(llvm)' || command -v clang > /dev/null || { \
		echo 'The kernel of $(KDIR) was built by clang, which is not installed here.'; \
		echo 'Install clang and lld, or name them with LLVM= (LLVM=-18).'; exit 1; }
	@mkdir -p build/module
	@cp -a $(sources) build/module/
	$(MAKE) -C "$$KDIR" M='$(CURDIR)/build/module' $(llvm) modules

lib:
	$(MAKE) -C lib O=../build/lib

tools: lib
	$(MAKE) -C tools O=../build/tools LIB_O=../build/lib

man:
	$(MAKE) -C man O=../build/man

deps:
	tests/vm/deps

check smoke matrix torture torture-6.12:
	tests/vm/check $@ $(CELLS)

mutants:
	tests/mutants/check $(MUTANTS)

coverage:
	tests/vm/coverage $(CELLS)

fuzz:
	tests/fuzz/run

soak:
	tests/soak/run

bench:
	tests/bench/run

matrix-table:
	tests/vm/table $(RESULTS)

demo:
	demo/run

packages:
	packaging/build

check-packages:
	tests/packages/check $(MACHINES)

lint:
	tests/lint/check $(STEPS)

# What is installed is made first, so that a tool that is missing leaves no half.
install: all man
	$(install_user)
	$(MAKE) -C "$$KDIR" M='$(CURDIR)/build/module' INSTALL_MOD_PATH="$$DESTDIR" \
		INSTALL_MOD_DIR=updates $(llvm) modules_install
	$(if $(DESTDIR),,ldconfig; depmod $(KVERSION); $(reload_udev))

install-user: lib tools man
	$(install_user)
	$(if $(DESTDIR),,ldconfig; $(reload_udev))

define install_user
	$(MAKE) -C lib install O=../build/lib $(place)
	$(MAKE) -C tools install O=../build/tools LIB_O=../build/lib $(place)
	$(MAKE) -C man install O=../build/man $(place)
	$(install_rules)
endef

install_rules = for rule in packaging/udev/*.rules; do \
	install -D -m 644 -t "$$DESTDIR$$UDEVDIR" "$$rule" || exit; done

# A container has no udev to tell.
reload_udev = udevadm control --reload || true

uninstall:
	$(MAKE) -C lib uninstall $(place)
	$(MAKE) -C tools uninstall $(place)
	$(MAKE) -C man uninstall $(place)
	for rule in packaging/udev/*.rules; do \
		rm -f "$$DESTDIR$$UDEVDIR/$${rule##*/}"; done
	rm -f "$$DESTDIR/lib/modules/$$KVERSION/updates"/bufalloc.ko*
	$(if $(DESTDIR),,depmod $(KVERSION); ldconfig; $(reload_udev))

# dkms keeps its own copy of what it builds from.
dkms:
	install -d "$$DESTDIR/usr/src/bufalloc-$(VERSION)"
	cp -a Makefile dkms.conf $(sources) "$$DESTDIR/usr/src/bufalloc-$(VERSION)/"
	if [ -n "$$(dkms status -m bufalloc -v $(VERSION))" ]; then \
		dkms remove -m bufalloc -v $(VERSION) --all; fi
	dkms add -m bufalloc -v $(VERSION)
	dkms build -m bufalloc -v $(VERSION) -k $(KVERSION)
	dkms install -m bufalloc -v $(VERSION) -k $(KVERSION)
	$(install_rules)
	$(if $(DESTDIR),,$(reload_udev))

clean:
	rm -rf build

.PHONY: help all module lib tools man deps check smoke matrix torture torture-6.12 mutants fuzz soak bench coverage matrix-table demo packages check-packages lint install install-user uninstall dkms clean
