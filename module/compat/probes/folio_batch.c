// SPDX-License-Identifier: GPL-2.0
#include <linux/folio_batch.h>

void bufalloc_probe(struct folio_batch *batch);
void bufalloc_probe(struct folio_batch *batch)
{
	folio_batch_init(batch);
}
