/* SPDX-License-Identifier: MIT */
/* The module's limits, which programs change while others run into them. */
#ifndef FUZZ_QUOTA_H
#define FUZZ_QUOTA_H

/* What they are, before any program runs. */
void quotas_note(void);
void quotas_restore(void);
/* The same where this process did something to them. */
void quotas_restore_changed(void);

#endif /* FUZZ_QUOTA_H */
