// SPDX-License-Identifier: GPL-2.0
/*
 * A locked page, as a page that is being read. Tasks that need the page wait, until the test
 * releases the page.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "busy.h"

/* Return: the folio at an address of the caller, locked and with a reference; or an ERR_PTR. */
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
