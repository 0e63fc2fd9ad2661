# SPDX-License-Identifier: MIT
# The version of the library and the tool, which is the module's as DKMS needs to
# read it, and the number in the soname.
VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' \
	$(dir $(lastword $(MAKEFILE_LIST)))../dkms.conf)
SOVERSION := 0
