/* SPDX-License-Identifier: MIT */
/* The quotas of the module. A call changes quotas while other threads allocate. */
#ifndef FUZZ_QUOTA_H
#define FUZZ_QUOTA_H

/* Note the quotas, before a program runs. */
void quotas_note(void);
void quotas_restore(void);
/* Restore the quotas if this process has changed them. */
void quotas_restore_changed(void);

#endif /* FUZZ_QUOTA_H */
