/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_CACHING_H
#define _BUFALLOC_CACHING_H

#include <linux/device.h>
#include <linux/mm.h>

#include <linux/bufalloc.h>

enum bufalloc_memtype ba_caching_memtype(struct device *dev,
					 enum bufalloc_caching caching);
enum bufalloc_memtype ba_caching_of_wc_mapping(void);
pgprot_t ba_caching_pgprot(enum bufalloc_memtype memtype, pgprot_t prot);

bool ba_memtype_in_direct_map(enum bufalloc_memtype memtype);
int ba_direct_map_set_type(struct page *page, size_t size,
			   enum bufalloc_memtype memtype);
int ba_direct_map_reset_type(struct page *page, size_t size,
			     enum bufalloc_memtype memtype);
void ba_caching_clear(struct page *page, size_t size);
int ba_caching_flush(struct device *dev, struct page *page, size_t size,
		     enum bufalloc_memtype memtype);

#endif /* _BUFALLOC_CACHING_H */
