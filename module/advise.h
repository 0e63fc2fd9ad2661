/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_ADVISE_H
#define _BUFALLOC_ADVISE_H

struct bufalloc_advise;

int ba_advise_check(const struct bufalloc_advise *arg);
int ba_advise_run(struct bufalloc_advise *arg);

#endif /* _BUFALLOC_ADVISE_H */
