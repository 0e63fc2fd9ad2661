/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_CHARDEV_H
#define _BUFALLOC_CHARDEV_H

int chardev_register(void);
void chardev_unregister(void);

#endif /* _BUFALLOC_CHARDEV_H */
