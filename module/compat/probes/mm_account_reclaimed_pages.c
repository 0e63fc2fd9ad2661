// SPDX-License-Identifier: GPL-2.0
#include <linux/sched.h>
#include <linux/swap.h>

void bufalloc_probe(void);
void bufalloc_probe(void)
{
	mm_account_reclaimed_pages(1);
}
