// SPDX-License-Identifier: GPL-2.0
/*
 * A page that somebody is busy with, as one that is being read: who wants it waits,
 * for as long as a test likes.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "busy.h"

/* What the caller has at an address: locked, and held. Or an ERR_PTR. */
struct folio *busy_begin(unsigned long address)
{
	struct folio *folio;
	struct page *page;
	int ret;

	ret = get_user_pages_fast(address, 1, 0, &page);
	if (ret != 1)
		return ERR_PTR(ret < 0 ? ret : -EFAULT);
	folio = page_folio(page);
	folio_lock(folio);
	return folio;
}

void busy_end(struct folio *folio)
{
	if (!folio)
		return;
	folio_unlock(folio);
	folio_put(folio);
}
