# SPDX-License-Identifier: MIT
# The front door: what can be made, in which room it is made. "make help" tells.
# (The kernel's build system reads Kbuild, not this file.)

VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
KVERSION ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVERSION)/build
PREFIX ?= /usr/local
DESTDIR ?=
UDEVDIR ?= /lib/udev/rules.d
DKMS_SRC := $(DESTDIR)/usr/src/bufalloc-$(VERSION)

build := $(CURDIR)/build
sources := Kbuild module uapi
export PREFIX DESTDIR

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
	@echo '  mutants    plants bugs in a copy, one at a time: each has to be found; MUTANTS='
	@echo '  fuzz       random programs of calls, MINUTES=2 and SEED=; CELL= names another kernel'
	@echo '  matrix-table  the last results as tables, into README.md and docs/matrix.md'
	@echo '  clean      remove build/'

all: module lib tools

# kbuild writes beside the sources, so it gets a copy of them.
module:
	@test -e '$(KDIR)/Makefile' || { \
		echo 'There are no kernel headers in $(KDIR).'; \
		echo 'Try "make deps", or name another place with KDIR=.'; exit 1; }
	@mkdir -p $(build)/module
	@cp -a $(sources) $(build)/module/
	$(MAKE) -C $(KDIR) M=$(build)/module modules

lib:
	$(MAKE) -C lib O=$(build)/lib

tools: lib
	$(MAKE) -C tools O=$(build)/tools LIB_O=$(build)/lib

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

install: all install-user
	$(MAKE) -C $(KDIR) M=$(build)/module INSTALL_MOD_PATH=$(DESTDIR) \
		INSTALL_MOD_DIR=updates modules_install
	$(if $(DESTDIR),,depmod $(KVERSION); $(reload_udev))

install-user: lib tools
	$(MAKE) -C lib install O=$(build)/lib
	$(MAKE) -C tools install O=$(build)/tools LIB_O=$(build)/lib
	$(MAKE) -C man install O=$(build)/man
	$(install_rules)
	$(if $(DESTDIR),,ldconfig; $(reload_udev))

install_rules = for rule in packaging/udev/*.rules; do \
	install -D -m 644 -t $(DESTDIR)$(UDEVDIR) "$$rule"; done

# A container has no udev to tell.
reload_udev = udevadm control --reload || true

uninstall:
	$(MAKE) -C lib uninstall
	$(MAKE) -C tools uninstall
	$(MAKE) -C man uninstall
	for rule in packaging/udev/*.rules; do \
		rm -f "$(DESTDIR)$(UDEVDIR)/$${rule##*/}"; done
	rm -f $(DESTDIR)/lib/modules/$(KVERSION)/updates/bufalloc.ko*
	$(if $(DESTDIR),,depmod $(KVERSION); ldconfig; $(reload_udev))

# dkms keeps its own copy of what it builds from.
dkms:
	install -d $(DKMS_SRC)
	cp -a Makefile dkms.conf $(sources) $(DKMS_SRC)/
	if [ -n "$$(dkms status -m bufalloc -v $(VERSION))" ]; then \
		dkms remove -m bufalloc -v $(VERSION) --all; fi
	dkms add -m bufalloc -v $(VERSION)
	dkms build -m bufalloc -v $(VERSION) -k $(KVERSION)
	dkms install -m bufalloc -v $(VERSION) -k $(KVERSION)
	$(install_rules)
	$(if $(DESTDIR),,$(reload_udev))

clean:
	rm -rf $(build)

.PHONY: help all module lib tools deps check smoke matrix torture torture-6.12 mutants fuzz coverage matrix-table demo packages check-packages lint install install-user uninstall dkms clean
