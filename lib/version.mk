# SPDX-License-Identifier: MIT
# The version of the library and the tool, and the number in the soname.
VERSION := 0.1.0
SOVERSION := 0
