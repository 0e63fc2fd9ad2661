/* SPDX-License-Identifier: MIT */
/*
 * The kernel's harness, with more patience: it ends a test after 30 seconds,
 * which an emulated machine takes for some on a busy host.
 */
#ifndef TESTS_KSELFTEST_HARNESS_H
#define TESTS_KSELFTEST_HARNESS_H

#include_next <kselftest_harness.h>

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 400

#endif /* TESTS_KSELFTEST_HARNESS_H */
