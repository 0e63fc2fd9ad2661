/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_MMAP_H
#define _BUFALLOC_MMAP_H

#include <linux/types.h>

struct ba_backing;
struct dma_buf;
struct vm_area_struct;

int ba_mmap_check(const struct ba_backing *backing, struct vm_area_struct *vma);
int ba_mmap_user(struct ba_backing *backing, struct vm_area_struct *vma);
void ba_mmap_pageable(struct ba_backing *backing, struct dma_buf *keeper,
		      struct vm_area_struct *vma);
size_t ba_mmap_largest_page(const struct ba_backing *backing);
void *ba_mmap_kernel(const struct ba_backing *backing);
void ba_munmap_kernel(void *vaddr);

#endif /* _BUFALLOC_MMAP_H */
