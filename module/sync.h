/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_SYNC_H
#define _BUFALLOC_SYNC_H

struct bufalloc_sync;

int ba_sync_check(const struct bufalloc_sync *arg);
int ba_sync_run(const struct bufalloc_sync *arg);

#endif /* _BUFALLOC_SYNC_H */
