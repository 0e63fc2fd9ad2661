/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BUFALLOC_DEVICE_H
#define _BUFALLOC_DEVICE_H

int devnode_register(void);
void devnode_unregister(void);

#endif /* _BUFALLOC_DEVICE_H */
