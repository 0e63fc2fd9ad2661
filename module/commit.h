/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_COMMIT_H
#define _BUFALLOC_COMMIT_H

struct bufalloc_commit;

int ba_commit_check(const struct bufalloc_commit *commit);
int ba_commit_run(struct bufalloc_commit *commit);

#endif /* _BUFALLOC_COMMIT_H */
