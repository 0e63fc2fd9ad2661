/* SPDX-License-Identifier: MIT */
/* File descriptors that go from one process to another. */
#ifndef TESTS_PASSING_H
#define TESTS_PASSING_H

/* In a message: 0 or the file descriptor that came, or a negative errno. */
int fd_send(int socket, int fd);
int fd_receive(int socket);

#endif /* TESTS_PASSING_H */
