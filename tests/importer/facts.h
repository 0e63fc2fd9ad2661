/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _IMPORTER_FACTS_H
#define _IMPORTER_FACTS_H

struct device;
struct importer_facts;
struct importer_table;
struct sg_table;

void facts_of_device(struct device *dev, struct importer_facts *facts);
void facts_of_table(struct device *dev, const struct sg_table *sgt,
		    struct importer_table *table);

#endif /* _IMPORTER_FACTS_H */
