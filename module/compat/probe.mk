# SPDX-License-Identifier: GPL-2.0
# What the headers at hand offer is found by compiling a file, never by a
# version: $(call probe,FILE) is y or nothing, and $(call probe_words,FILE) what
# the compiler says of it.
probe_compile = $(CC) $(NOSTDINC_FLAGS) $(LINUXINCLUDE) $(KBUILD_CPPFLAGS) \
	$(KBUILD_CFLAGS) $(KBUILD_CFLAGS_MODULE) -DKBUILD_MODNAME='"probe"' \
	-DKBUILD_BASENAME='"probe"' -Werror -c -o /dev/null $(1)
probe = $(shell $(probe_compile) >/dev/null 2>&1 && echo y)
probe_words = $(shell $(probe_compile) 2>&1 | grep -m 3 error)
