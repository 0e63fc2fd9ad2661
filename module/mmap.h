/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_MMAP_H
#define _BUFALLOC_MMAP_H

struct backing;
struct dma_buf;
struct vm_area_struct;

int mmap_check(const struct backing *backing, struct vm_area_struct *vma);
int mmap_user(struct backing *backing, struct vm_area_struct *vma);
void mmap_pageable(struct backing *backing, struct dma_buf *keeper,
		   struct vm_area_struct *vma);
void *mmap_kernel(const struct backing *backing);
void munmap_kernel(void *vaddr);

#endif /* _BUFALLOC_MMAP_H */
