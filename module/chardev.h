/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_CHARDEV_H
#define _BUFALLOC_CHARDEV_H

int ba_chardev_register(void);
void ba_chardev_unregister(void);

#endif /* _BUFALLOC_CHARDEV_H */
